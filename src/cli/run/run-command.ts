import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uuidV7 } from '../../common/ids/uuid.js';
import { MaskSet } from '../../common/redaction/mask-set.js';
import { repositorySupport } from '../../common/values/repository-url.js';
import { loadConfig } from '../../config/load-config.js';
import { entryFile } from '../../config/paths.js';
import { compileYaml, type CompiledPipeline } from '../../engine/compiler/compile-yaml.js';
import { resolveInputs } from '../../engine/compiler/resolve-inputs.js';
import type { Plan, RunContext } from '../../engine/plan/plan.js';
import type { RunState } from '../../engine/plan/run-state.js';
import { runPlan } from '../../engine/runtime/run-plan.js';
import type { StopRequest } from '../../engine/runtime/run-ports.js';
import { credentialMasks } from '../../pipelines/credential-masks.js';
import { GitStepHandler } from '../../executions/steps/git-step.handler.js';
import { ShellStepHandler } from '../../executions/steps/shell-step.handler.js';
import { steadyClock } from '../../executions/steady-clock.js';
import { triggerEnvironment } from '../../pipelines/trigger-environment.js';
import { chooseGitClient } from '../../integrations/git/choose-git-client.js';
import { LauncherProcessRunner } from '../../integrations/process/launcher-process-runner.js';
import type { Workspace } from '../../workspaces/workspace.js';
import { removeTree, WorkspaceStore } from '../../workspaces/workspace-store.js';
import { CommandError } from '../command.error.js';
import { printProblems } from '../problem-list.js';
import type { RunFlags } from '../flags.js';
import { readSource } from '../read-source.js';
import type { Terminal } from '../terminal.js';
import { Progress } from './progress.js';
import { TerminalOutput } from './terminal-output.js';

const MAX_PARALLEL_STEPS = 8;

/** Exit codes of `run` by the status of the run; 2 = the pipeline or the command line is wrong. */
const EXIT_CODES: Readonly<Partial<Record<RunState['status'], number>>> = {
  success: 0,
  failed: 1,
  timeout: 124,
  cancelled: 130,
};

/** Runs a pipeline with the same engine and step handlers as a worker, in a folder that is removed afterwards. */
export async function runCommand(
  file: string,
  flags: RunFlags,
  terminal: Terminal,
): Promise<number> {
  const compiled = compileYaml(await readSource(file), repositorySupport(loadConfig()));
  printProblems(file, compiled.problems, (line) => terminal.say(line), terminal);
  if (!compiled.plan) return 2;
  const context = runContext(compiled, flags);
  const base = await mkdtemp(join(tmpdir(), 'millrace-run-'));
  try {
    // Steps run as the same user here, so there is nobody to hand over to.
    const store = new WorkspaceStore(base, undefined);
    const workspace = await store.create(context.executionId, 1);
    const state = await runInWorkspace(compiled.plan, context, { store, workspace }, terminal);
    if (flags.keep) terminal.say(`Workspace: ${workspace.directory}`);
    return EXIT_CODES[state.status] ?? 1;
  } finally {
    if (!flags.keep) await removeTree(base);
  }
}

async function runInWorkspace(
  plan: Plan,
  context: RunContext,
  { store, workspace }: { readonly store: WorkspaceStore; readonly workspace: Workspace },
  terminal: Terminal,
): Promise<RunState> {
  const masks = MaskSet.from(credentialMasks(plan, null));
  const output = new TerminalOutput(masks, terminal);
  const progress = new Progress(terminal);
  const processes = new LauncherProcessRunner({ launcherEntry: entryFile('launcher') });
  // It is the caller's own machine and network, and no server of other people's.
  const git = await chooseGitClient(loadConfig().gitClient, ['all']);
  const group = `${context.executionId}.1`;
  const stop = stopOnSignals(terminal);
  try {
    const result = await runPlan(
      { plan, context, maxParallelSteps: MAX_PARALLEL_STEPS },
      {
        handlers: [
          new ShellStepHandler(processes, workspace, group, output),
          new GitStepHandler(git, workspace, output, store),
        ],
        clock: steadyClock(),
        onState: (state) => progress.show(state),
        onTrace: () => undefined,
        systemLine: (address, text) => output.systemLine(address, text),
        mask: (text) => masks.maskText(text),
        lastLines: (address) => output.lastLines(address, 20),
      },
      stop.signal,
    );
    progress.sum(result.state);
    return result.state;
  } finally {
    stop.release();
    await processes.sweep(group);
    await Promise.all([processes.close(), git.close()]);
  }
}

function runContext(compiled: CompiledPipeline, flags: RunFlags): RunContext {
  const { inputs, problems } = resolveInputs(
    { inputs: compiled.definition?.inputs ?? [] },
    flags.input ?? {},
  );
  if (problems.length > 0) {
    const lines = problems.map(({ message, suggestion }) =>
      `${message} ${suggestion ?? ''}`.trimEnd(),
    );
    throw new CommandError(lines.join('\n'), 2);
  }
  return {
    executionId: uuidV7(),
    pipelineId: uuidV7(),
    pipelineName: compiled.plan?.name ?? '',
    executionAttempt: 1,
    trigger: { event: 'cli', actor: 'cli', branch: flags.branch },
    inputs,
    environment: triggerEnvironment(flags.env ?? {}),
  };
}

/** The first Ctrl-C cancels the run as the server would: `always` hooks still run. The second one ends everything at once. */
function stopOnSignals(terminal: Terminal): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    terminal.say('Cancelling; again to stop at once.');
    const request: StopRequest = {
      kind: 'cancel',
      reason: { code: 'cancelled_by_user', message: 'Cancelled at the terminal.' },
    };
    controller.abort(request);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}
