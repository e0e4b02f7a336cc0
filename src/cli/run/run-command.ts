import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { within } from '../../common/async/within.js';
import type { MaskSet } from '../../common/redaction/mask-set.js';
import { fileProblem } from '../../common/values/file-problem.js';
import { nameRecord, type NameRecord } from '../../common/values/name-record.js';
import { repositorySupport } from '../../common/values/repository-url.js';
import { readEnvironment } from '../../config/environment.js';
import { loadConfig } from '../../config/load-config.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { engineAddress } from '../../config/container-engine.js';
import { defaultCache, entryFile } from '../../config/paths.js';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import { allSteps } from '../../engine/plan/all-steps.js';
import type { Plan, RunContext } from '../../engine/plan/plan.js';
import type { RunState } from '../../engine/plan/run-state.js';
import type { RunResult } from '../../engine/runtime/run-ports.js';
import { type PlanRun, PlanRuns, type RunAudience } from '../../executions/attempt/plan-runs.js';
import { steadyClock } from '../../executions/attempt/steady-clock.js';
import type { CacheStore } from '../../executions/caches/cache-store.js';
import { CloneAccess } from '../../executions/attempt/steps/clone-access.js';
import { RegistryAccess } from '../../executions/attempt/steps/registry-access.js';
import { normalRegistry } from '../../engine/steps/container/image-name.js';
import { containerUsers } from '../../engine/steps/container-users.js';
import { usesContainers } from '../../engine/steps/uses-containers.js';
import { NoDeployer } from '../../executions/attempt/steps/deployer.js';
import { NoDeployHints } from '../../executions/attempt/steps/deploy-hints.js';
import { NoStartCommands } from '../../executions/attempt/steps/start-commands.js';
import { createStepHandlers } from '../../executions/attempt/steps/step-handlers.js';
import { chooseRuntime } from '../../integrations/container-runtime/choose-runtime.js';
import {
  absentParts,
  type EngineParts,
} from '../../integrations/container-runtime/engine-parts.js';
import type { FolderGiver } from '../../integrations/container-runtime/folder-giver.js';
import type { GitClient } from '../../integrations/git/git-client.js';
import { chooseGitClient } from '../../integrations/git/choose-git-client.js';
import type { ExtraAuthorities } from '../../integrations/git/extra-authorities.js';
import { LauncherProcessRunner } from '../../integrations/process/client/launcher-process-runner.js';
import { ProcessGroups } from '../../integrations/process/process-groups.js';
import type { ProcessRunner } from '../../integrations/process/process-runner.js';
import { runMasks } from '../../pipelines/compile/credential-masks.js';
import { StepUserScripts } from '../../workspaces/step-user-scripts.js';
import { treeOwners } from '../../workspaces/tree-owners.js';
import { WorkspaceStore } from '../../workspaces/workspace-store.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { temporaryFolder } from '../command/file-problem.js';
import type { RunFlags } from '../command/flags.js';
import { readSource } from '../command/read-source.js';
import { cleanText } from '../terminal/clean-text.js';
import { printProblems } from '../terminal/problem-list.js';
import type { Terminal } from '../terminal/terminal.js';
import { LocalApprovals } from './local-approvals.js';
import { LocalCaches } from './local-caches.js';
import { LocalArtifacts, takenNames } from './local-artifacts.js';
import { FailedSteps } from './failed-steps.js';
import { mustHaveTerminal, offerShell, openShell } from './failure-shell.js';
import { partOfPlan } from './plan-part.js';
import { Progress } from './progress.js';
import { runContext } from './run-context.js';
import { RunStop } from './run-stop.js';
import { readSecretsFile, refuseMissingSecrets } from './secrets-file.js';
import { TerminalOutput } from './terminal-output.js';
import { chooseTree, copyTree, type LocalTree, type TreeRequest } from './tree/local-tree.js';
import { treeLines } from './tree/tree-lines.js';

/** Where pushes have their pipeline. */
const DEFAULT_FILE = '.millrace.yml';

/** A folder that cannot be removed in this time does not keep whoever wanted the end at once. */
const FORCED_REMOVAL_MS = 10_000;

/** All runs of a user have one name on the engine, and so one network there. */
const INSTALLATION = `run-${String(process.getuid?.() ?? '')}`;

/** Exit codes of `run` by the status of the run; 2 = the pipeline or the command line is wrong. */
const EXIT_CODES: Readonly<Partial<Record<RunState['status'], number>>> = {
  success: 0,
  failed: 1,
  timeout: 124,
};

/**
 * Runs a pipeline with the same engine and step handlers as a worker, in a folder that is removed
 * afterwards, however the run ends.
 */
export async function runCommand(
  file: string,
  flags: RunFlags,
  terminal: Terminal,
): Promise<number> {
  const config = loadConfig();
  const compiled = compileYaml(await readPipeline(file), repositorySupport(config));
  printProblems(file, compiled.problems, (line) => terminal.say(line), terminal);
  if (!compiled.plan) return 2;
  const tree = await chooseTree(flags.dir, compiled.plan, (line) => terminal.say(cleanText(line)));
  const plan = toRun(compiled.plan, flags, tree);
  const context = await runContext(compiled, flags, tree?.checkout);
  const secrets =
    flags.secretsFile === undefined
      ? nameRecord<string>([])
      : await readSecretsFile(flags.secretsFile);
  refuseMissingSecrets(plan, context, secrets);
  if (flags.containers === false) refuseContainers(plan);
  if (flags.artifacts !== undefined) await refuseTaken(flags.artifacts, plan);
  if (flags.shellOnFailure === true) mustHaveTerminal();
  const approvals = new LocalApprovals(flags.approve === true);
  approvals.mustBeAnswerable(plan);
  const stop = new RunStop(terminal);
  try {
    const request = requestOf(compiled.plan);
    const asked = { config, plan, context, secrets, approvals, tree: tree && { ...tree, request } };
    const state = await runInFolder(asked, flags, stop, terminal);
    if (state === 'forced') process.exit(stop.exitCode);
    return EXIT_CODES[state.status] ?? stop.exitCode ?? 1;
  } finally {
    stop.release();
  }
}

/** @throws CommandError for a file that cannot be read */
async function readPipeline(file: string): Promise<string> {
  if (file !== DEFAULT_FILE || existsSync(file)) return readSource(file);
  throw new CommandError(`There is no ${DEFAULT_FILE} here.`, exitCodes.usage, [
    'Name the file: ./millrace run FILE',
  ]);
}

/** What is asked for of the plan; the clone is left out where a tree stands in its place. */
function toRun(whole: Plan, flags: RunFlags, tree: LocalTree | undefined): Plan {
  const { repository, ...rest } = partOfPlan(whole, flags);
  return tree !== undefined || repository === undefined ? rest : { ...rest, repository };
}

/** Where the pipeline clones nothing, nobody has said that no submodules are wanted. */
function requestOf({ repository }: Plan): TreeRequest {
  if (repository === undefined) return { depth: 1, submodules: 'recursive' };
  return { depth: repository.depth ?? 1, submodules: repository.submodules ?? false };
}

/** @throws CommandError that names what cannot run without an engine */
function refuseContainers(plan: Plan): void {
  const users = containerUsers(plan);
  if (users.length === 0) return;
  throw new CommandError(`Without containers these cannot run: ${users.join(', ')}.`, 2, [
    'Leave --no-containers out, or write image: none at the steps.',
  ]);
}

/** @throws CommandError where folders of an earlier run are in the way */
async function refuseTaken(folder: string, plan: Plan): Promise<void> {
  const taken = await takenNames(folder, plan).catch((error: unknown) => {
    const why = fileProblem(error);
    throw new CommandError(`The folder for artifacts ${folder} cannot be used: ${why}.`, 2);
  });
  if (taken.length === 0) return;
  throw new CommandError(`In ${folder} there are already: ${taken.join(', ')}.`, 2, [
    'Name another folder, or remove them.',
  ]);
}

/** The container engine of this machine, for one run. */
interface OwnEngine {
  /** Undefined: there is none. */
  readonly host: string | undefined;
  readonly installation: string;
  /** A step of the pipeline runs in a container. */
  readonly isNeeded: boolean;
}

/** What is run, and how. */
interface Asked {
  readonly config: MillraceConfig;
  readonly plan: Plan;
  readonly context: RunContext;
  readonly secrets: NameRecord<string>;
  readonly approvals: LocalApprovals;
  /** What the workspace has at first; undefined: nothing, or a clone. */
  readonly tree: (LocalTree & { readonly request: TreeRequest }) | undefined;
}

function masksOf({ plan, secrets }: Pick<Asked, 'plan' | 'secrets'>): MaskSet {
  return runMasks(plan, null, Object.values(secrets));
}

async function runInFolder(
  asked: Asked,
  flags: RunFlags,
  stop: RunStop,
  terminal: Terminal,
): Promise<RunState | 'forced'> {
  const base = await temporaryFolder('mr-');
  const isEngineNeeded = usesContainers(asked.plan);
  const host = isEngineNeeded ? engineAddress(asked.config.dockerHost) : undefined;
  const engine = { host, installation: INSTALLATION, isNeeded: isEngineNeeded };
  const processes = newRunner(engine);
  // It must be there to end containers if this process is killed.
  if (isEngineNeeded) await processes.warmUp();
  const containers = await engineFor(engine, base);
  const workspaces = newStore(base, processes, containers.giver);
  const artifacts = await LocalArtifacts.make(asked.config.maxArtifactsSize);
  let state: RunState | 'forced' | undefined;
  let isFilled = false;
  try {
    const failures = new FailedSteps();
    const tools = await newRuns(asked, flags, failures, {
      ...{ processes, workspaces, artifacts, containers, terminal },
    });
    try {
      const run = await tools.runs.open(asked.context.executionId, 1);
      await fillWorkspace(asked, run, stop, terminal);
      isFilled = true;
      state = await runToEnd(run, asked, processes, stop, terminal);
      if (flags.artifacts !== undefined && state !== 'forced') {
        for (const { folder, problem } of await artifacts.saveTo(flags.artifacts)) {
          const why = problem === undefined ? '' : ` is not written: ${problem}`;
          terminal.say(`Artifacts: ${folder}${why}`);
        }
      }
      const shell = state === 'forced' ? undefined : failures.shellAt(state, host);
      if (flags.shellOnFailure && shell) {
        stop.release();
        await openShell(shell, terminal);
      }
      if (flags.keep) {
        terminal.say(`Workspace: ${run.workspace.directory}`);
        if (shell) await offerShell(shell, run.workspace.root, masksOf(asked), terminal);
      }
    } finally {
      await tools.close();
    }
    return state;
  } finally {
    await artifacts.remove();
    const { giver } = containers;
    // Nobody is told of one in which nothing ran.
    const isKept = flags.keep === true && isFilled;
    if (!isKept) await removeWorkspace(base, workspaces, giver, state === 'forced', terminal);
    await processes.close();
  }
}

/** What a run works with here. */
interface RunParts {
  readonly processes: ProcessRunner;
  readonly workspaces: WorkspaceStore;
  readonly artifacts: LocalArtifacts;
  readonly containers: EngineParts;
  readonly terminal: Terminal;
}

/** The files that the run begins with, where these are no clone. */
async function fillWorkspace(
  { tree, config }: Asked,
  { workspace }: PlanRun,
  { signal }: RunStop,
  terminal: Terminal,
): Promise<void> {
  if (tree === undefined || signal.aborted) return;
  const { directory } = workspace;
  try {
    const copy = await copyTree(tree, directory, tree.request, config.maxWorkspaceSize, signal);
    for (const line of treeLines(tree, copy)) terminal.say(cleanText(line));
  } catch (error) {
    // The run is cancelled then, before anything of it begins.
    if (!signal.aborted) throw error;
  }
}

/** Ends something that was opened. */
type Close = () => Promise<unknown>;

/** What runs a plan here as on a worker. Where that fails nothing of it is left open. */
async function newRuns(
  asked: Asked,
  flags: RunFlags,
  failures: FailedSteps,
  { processes, workspaces, artifacts, containers, terminal }: RunParts,
): Promise<{ readonly runs: PlanRuns; close(): Promise<void> }> {
  const opened: Close[] = [() => containers.runtime.close()];
  const close = async (): Promise<void> => {
    for (let last = opened.pop(); last !== undefined; last = opened.pop()) await last();
  };
  try {
    const git = await openGit(asked.config, opened);
    const caches = await openCaches(asked, terminal);
    const { registries, workerMaxParallelSteps: maxParallelSteps } = asked.config;
    const { runtime, builder } = containers;
    const handlers = createStepHandlers({
      ...{ processes, git, workspaces, containers: runtime, builder },
      deployer: new NoDeployer(),
      starts: new NoStartCommands(),
      hints: new NoDeployHints(),
      registries: registries?.map(normalRegistry),
    }).within((inner, place) => failures.watched(inner, place));
    const groups = new ProcessGroups(`run-${process.pid}-`);
    const { keeper, objects, sources } = artifacts;
    const runs = new PlanRuns({
      ...{ processes, workspaces, handlers, groups, containers: runtime, maxParallelSteps },
      path: flags.inheritPath === true ? readEnvironment()['PATH'] : undefined,
      ...{ artifacts: keeper, objects, sources },
      ...{ caches, cacheOwner: ownerOfCaches(asked.plan.name) },
      // What they said is in the log; nobody asks for it later.
      reports: { insert: () => Promise.resolve() },
    });
    return { runs, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Git by the configuration. */
async function openGit(
  { gitCaFile, gitClient }: MillraceConfig,
  opened: Close[],
): Promise<GitClient> {
  const authorities = gitCaFile === undefined ? undefined : await authoritiesOf(gitCaFile);
  if (authorities) opened.push(() => rm(authorities.folder, { recursive: true, force: true }));
  // It is the caller's own machine and network, and no server of other people's.
  const git = await chooseGitClient(gitClient, ['all'], { authorities });
  opened.push(() => git.close());
  return git;
}

/** A run whose steps have no caches does not look at them. */
async function openCaches({ config, plan }: Asked, terminal: Terminal): Promise<CacheStore> {
  const folder = join(defaultCache(), 'run-caches');
  const caches = new LocalCaches(folder, config.maxCacheSize, (problem) =>
    terminal.say(`millrace: ${problem}`),
  );
  if (allSteps(plan).some((step) => step.caches)) await caches.sweep(config.cacheDays);
  return caches.store;
}

/** Pipelines have no ids here: those of one name share their caches. */
function ownerOfCaches(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}

/** Steps are the caller's own user here: no right of a file gives them more. */
async function engineFor(
  { host, installation, isNeeded }: OwnEngine,
  base: string,
): Promise<EngineParts> {
  if (!isNeeded) return absentParts('no step of the pipeline needs one');
  const parts = await chooseRuntime({
    ...{ host, workspaces: base, installation: () => Promise.resolve(installation) },
    stepsAreOtherUser: false,
    giveTree: entryFile('workspaces/give-tree'),
    report: (what, error) => process.emitWarning(`${what}: ${String(error)}`),
  });
  await parts.runtime.sweepStale();
  return parts;
}

function newRunner({ host }: Partial<OwnEngine> = {}): LauncherProcessRunner {
  const engine = host === undefined ? undefined : { host };
  return new LauncherProcessRunner({ launcherEntry: entryFile('launcher'), engine });
}

/** Steps in a shell run as the same user here; those in containers as what their image says. */
function newStore(base: string, processes: ProcessRunner, giver: FolderGiver): WorkspaceStore {
  const owners = treeOwners(process.getuid?.() === 0, giver);
  return new WorkspaceStore(base, undefined, new StepUserScripts(processes, `${base}-`), owners);
}

async function removeWorkspace(
  base: string,
  store: WorkspaceStore,
  giver: FolderGiver,
  forced: boolean,
  terminal: Terminal,
): Promise<void> {
  // The runner of a run that was cut off is closed, so that nothing of it continues.
  const removal = removeAll(base, store).catch(() => removeByNewRunner(base, giver));
  // Whoever wanted the end at once gets it; that the folder is left is printed.
  const done = removal.then(() => undefined);
  const end = forced ? within(FORCED_REMOVAL_MS, done, () => 'late' as const) : done;
  const left = await end.catch(String);
  if (left !== undefined) terminal.say(`millrace: the workspace is not removed: ${base} (${left})`);
}

async function removeByNewRunner(base: string, giver: FolderGiver): Promise<void> {
  const processes = newRunner();
  try {
    await removeAll(base, newStore(base, processes, giver));
  } finally {
    await processes.close();
  }
}

async function removeAll(base: string, store: WorkspaceStore): Promise<void> {
  store.close();
  for (const folder of await store.list()) await store.remove(folder);
  await rmdir(base);
}

/**
 * Runs the plan to its end; `forced` when it was cut off. Either way no process of it lives when
 * this resolves.
 */
async function runToEnd(
  run: PlanRun,
  asked: Asked,
  processes: ProcessRunner,
  stop: RunStop,
  terminal: Terminal,
): Promise<RunState | 'forced'> {
  const { plan, secrets } = asked;
  const masks = masksOf(asked);
  const progress = new Progress(terminal);
  const audience: RunAudience = {
    output: new TerminalOutput(masks, terminal),
    masks,
    secrets,
    access: new CloneAccess(secrets),
    registries: new RegistryAccess(plan.registries ?? [], secrets),
    clock: steadyClock(),
    // What a run that is cut off makes of its closed runner is nobody's news.
    onState: (state) => {
      if (!stop.isForced) progress.show(state);
    },
    onTrace: () => undefined,
  };
  try {
    const running = runAnswered(run, asked, audience, stop.signal);
    const result = await Promise.race([running, stop.forced]);
    if (result === 'forced') {
      // What it makes of a runner that is closed under it, nobody waits for.
      running.catch(() => undefined);
      return 'forced';
    }
    progress.sum(result.state);
    return result.state;
  } finally {
    await endProcesses(run, processes, stop);
  }
}

/** What waits for an approval is answered here, and continues in the same workspace. */
async function runAnswered(
  run: PlanRun,
  { plan, context, approvals }: Asked,
  audience: RunAudience,
  signal: AbortSignal,
): Promise<RunResult> {
  let result = await run.execute(plan, context, audience, signal);
  while (result.kind === 'suspended') {
    const answers = await approvals.answers(result.state, signal);
    result = await run.execute(plan, context, audience, signal, { continueFrom: result, answers });
  }
  return result;
}

async function authoritiesOf(file: string): Promise<ExtraAuthorities> {
  return { file, folder: await temporaryFolder('mr-ca-') };
}

/**
 * A second signal does not wait until steps have had their time: a closed runner starts nothing and
 * ends what runs.
 */
async function endProcesses(
  run: PlanRun,
  processes: ProcessRunner,
  { forced }: RunStop,
): Promise<void> {
  const ended = await Promise.race([run.sweep(), forced]);
  if (ended === 'forced') await processes.close();
}
