import type { CacheStore } from '../../src/executions/caches/cache-store.js';
import type { ArtifactSources } from '../../src/executions/artifacts/artifact-sources.js';
import type { ObjectStore } from '../../src/integrations/object-store/object-store.js';
import type { ArtifactKeeper } from '../../src/executions/artifacts/artifact-keeper.js';
import { standIn } from '../support/stand-in.js';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uuidV7 } from '../../src/common/ids/uuid.js';
import { compileYaml } from '../../src/engine/compiler/compile-yaml.js';
import { resolveInputs } from '../../src/engine/inputs/resolve-inputs.js';
import type { Plan, RunContext } from '../../src/engine/plan/plan.js';
import type { RunState } from '../../src/engine/plan/run-state.js';
import { runMasks } from '../../src/pipelines/compile/credential-masks.js';
import { executionReasons } from '../../src/executions/record/execution-reasons.js';
import { storedRun } from '../../src/executions/record/stored-state.js';
import { outputTo } from '../../src/executions/attempt/attempt-logs.js';
import { PlanRuns } from '../../src/executions/attempt/plan-runs.js';
import { CloneAccess } from '../../src/executions/attempt/steps/clone-access.js';
import { RegistryAccess } from '../../src/executions/attempt/steps/registry-access.js';
import { AbsentBuilder } from '../../src/integrations/container-runtime/image-builder.js';
import { AbsentRuntime } from '../../src/integrations/container-runtime/absent-runtime.js';
import { NoDeployer } from '../../src/executions/attempt/steps/deployer.js';
import { NoDeployHints } from '../../src/executions/attempt/steps/deploy-hints.js';
import { NoStartCommands } from '../../src/executions/attempt/steps/start-commands.js';
import { createStepHandlers } from '../../src/executions/attempt/steps/step-handlers.js';
import { steadyClock } from '../../src/executions/attempt/steady-clock.js';
import { triggerEnvironment } from '../../src/pipelines/trigger-request/trigger-environment.js';
import { MemoryEventBus } from '../../src/integrations/event-bus/memory-event-bus.js';
import { IsomorphicGitClient } from '../../src/integrations/git/isomorphic-git-client.js';
import { ProcessGroups } from '../../src/integrations/process/process-groups.js';
import { LauncherProcessRunner } from '../../src/integrations/process/client/launcher-process-runner.js';
import { LogReader } from '../../src/logs/read/log-reader.js';
import type { LogLine } from '../../src/logs/store/log-record.js';
import { LogWriter } from '../../src/logs/write/log-writer.js';
import { MemoryLogChunkStore } from '../../src/logs/store/memory-log-chunk-store.js';
import { StepUserScripts } from '../../src/workspaces/step-user-scripts.js';
import { WorkspaceStore } from '../../src/workspaces/workspace-store.js';
import { eventually } from '../support/eventually.js';
import { removeTree } from '../support/remove-tree.js';
import { transpileEntry, type TranspiledEntry } from '../support/transpile-entry.js';
import type { Outcome } from './run-outcome.js';
import type { Expectation, Scenario, ScenarioTrigger } from './run-scenario.js';

const MAX_PARALLEL_STEPS = 64;

/** How a scenario went: the trigger was refused with these codes, or it ran. */
export type ScenarioEnd =
  | { readonly kind: 'refused'; readonly codes: readonly string[] }
  | {
      readonly kind: 'ran';
      readonly executionId: string;
      readonly pipelineId: string;
      readonly workspace: string;
      readonly outcome: Outcome;
    };

/**
 * Runs scenarios as a worker does, but without database, Redis and API: real processes, real
 * workspaces, the real path of the log.
 */
export class InProcessRunner {
  private constructor(
    private readonly base: string,
    private readonly processes: LauncherProcessRunner,
    private readonly runs: PlanRuns,
    private readonly entries: readonly TranspiledEntry[],
  ) {}

  static async start(): Promise<InProcessRunner> {
    const base = await mkdtemp(join(tmpdir(), 'millrace-scenarios-'));
    const launcher = transpileEntry('src/launcher.ts');
    const clone = transpileEntry('src/integrations/git/isomorphic-git-child.ts');
    const processes = new LauncherProcessRunner({ launcherEntry: launcher.path });
    const git = new IsomorphicGitClient({
      childEntry: clone.path,
      idleMs: 1_000,
      allowPrivateUrls: ['127.0.0.0/8'],
    });
    const groups = new ProcessGroups(`scenarios-${process.pid}-`);
    const scripts = new StepUserScripts(processes, groups.scriptsPrefix);
    const workspaces = new WorkspaceStore(join(base, 'w'), undefined, scripts);
    const containers = new AbsentRuntime('scenarios run on any machine');
    const handlers = createStepHandlers({
      ...{ processes, git, workspaces, containers },
      builder: new AbsentBuilder('scenarios run on any machine'),
      registries: undefined,
      deployer: new NoDeployer(),
      starts: new NoStartCommands(),
      hints: new NoDeployHints(),
    });
    const runs = new PlanRuns({
      ...{ processes, workspaces, handlers, groups, containers },
      artifacts: standIn<ArtifactKeeper>({}),
      objects: standIn<ObjectStore>({}),
      sources: standIn<ArtifactSources>({}),
      caches: standIn<CacheStore>({}),
      reports: { insert: () => Promise.resolve() },
      maxParallelSteps: MAX_PARALLEL_STEPS,
    });
    return new InProcessRunner(base, processes, runs, [launcher, clone]);
  }

  async workspacesLeft(): Promise<string[]> {
    return readdir(join(this.base, 'w'));
  }

  async stop(): Promise<void> {
    await this.processes.close();
    for (const entry of this.entries) entry.remove();
    await removeTree(this.base);
  }

  async run({ yaml, expected }: Scenario): Promise<ScenarioEnd> {
    const { definition, plan, problems } = compileYaml(yaml);
    if (plan === undefined || definition === undefined) {
      throw new Error(`does not compile: ${JSON.stringify(problems, undefined, 1)}`);
    }
    const { trigger = {} } = expected;
    const resolved = resolveInputs(definition, trigger.inputs ?? {});
    if (resolved.problems.length > 0) {
      return { kind: 'refused', codes: resolved.problems.map(({ code }) => code) };
    }
    const context = contextOf(plan, trigger, resolved.inputs);
    const { executionId, pipelineId } = context;
    const { workspace, outcome } = await runWith(this.runs, plan, context, expected);
    return { kind: 'ran', executionId, pipelineId, workspace, outcome };
  }
}

async function runWith(
  runs: PlanRuns,
  plan: Plan,
  context: RunContext,
  { cancel_at: cancelAt, interrupt_at: interruptAt }: Expectation,
): Promise<{ readonly workspace: string; readonly outcome: Outcome }> {
  const { executionId } = context;
  const masks = runMasks(plan, context.trigger.repository ?? null);
  const store = new MemoryLogChunkStore();
  const problems: unknown[] = [];
  const log = new LogWriter({
    executionId,
    fence: 1,
    firstSeq: 1,
    masks,
    store,
    bus: new MemoryEventBus(),
    clock: steadyClock(),
    onProblem: (problem) => problems.push(problem),
  });
  const traces: Outcome['traces'][number][] = [];
  const attempt = async (executionAttempt: number, signal: AbortSignal, earlier?: RunState) => {
    const planRun = await runs.open(executionId, executionAttempt);
    try {
      const result = await planRun.execute(
        plan,
        { ...context, executionAttempt },
        {
          output: outputTo(log),
          masks,
          secrets: {},
          access: CloneAccess.none,
          registries: RegistryAccess.none,
          clock: steadyClock(),
          onState: () => undefined,
          onTrace: (stage, step, trace) => traces.push({ stage, step: step ?? null, trace }),
        },
        signal,
        { resumeFrom: earlier },
      );
      return { ...result, workspace: planRun.workspace.directory };
    } finally {
      await planRun.cleanUp();
    }
  };
  const printed = (line: string): Promise<true> =>
    eventually(() => log.tail(1_000).includes(line) || undefined);
  const control = new AbortController();
  const first = attempt(1, control.signal);
  if (cancelAt !== undefined) {
    await printed(cancelAt);
    control.abort({ kind: 'cancel', reason: executionReasons.cancelled('token', undefined) });
  }
  if (interruptAt !== undefined) {
    await printed(interruptAt);
    control.abort({ kind: 'interrupt', reason: executionReasons.workerStopped('w') });
  }
  const begun = await first;
  const again = new AbortController().signal;
  const last =
    interruptAt === undefined
      ? begun
      : await attempt(2, again, plan.resume === true ? begun.state : undefined);
  const { kind, state, workspace } = last;
  if (kind !== 'finished') throw new Error(`the run is ${kind}`);
  const { lastSeq } = await log.close();
  expect(problems).toEqual([]);
  const lines: LogLine[] = [];
  const fences = [{ fence: 1, firstSeq: 1, lastSeq }];
  for await (const line of new LogReader(store).readLines({ executionId, fences, afterSeq: 0 })) {
    lines.push(line);
  }
  expect(lines).toHaveLength(lastSeq);
  const run = {
    ...storedRun(state),
    status: state.status,
    reason: state.reason ?? null,
    duration: (state.finishedAt ?? NaN) - (state.startedAt ?? NaN),
  };
  return { workspace, outcome: { run, traces, lines } };
}

function contextOf(plan: Plan, trigger: ScenarioTrigger, inputs: RunContext['inputs']): RunContext {
  const { branch, tag, commit_hash: commit, repository, message, author } = trigger;
  return {
    executionId: uuidV7(),
    pipelineId: uuidV7(),
    pipelineName: plan.name,
    executionAttempt: 1,
    trigger: {
      event: trigger.event ?? 'manual',
      actor: 'token',
      branch,
      tag,
      commit,
      repository,
      message,
      author,
    },
    inputs,
    environment: triggerEnvironment(trigger.environment ?? {}),
  };
}
