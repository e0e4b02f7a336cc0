import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failPoint } from '../../common/fail-point.js';
import type { ShellAction } from '../../engine/plan/plan.js';
import type { Reason } from '../../engine/plan/run-state.js';
import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
} from '../../engine/runtime/step-handler.js';
import type {
  ProcessExit,
  ProcessRunner,
  RunningProcess,
} from '../../integrations/process/process-runner.js';
import { pipeToSink } from '../../logs/log-sink.js';
import type { Workspace } from '../../workspaces/workspace.js';
import { readOutputFile } from './output-file.js';
import { stepEnvironment } from './step-environment.js';
import type { StepOutput } from './step-output.js';
import { isFolder, resolveInWorkspace } from './workspace-path.js';

/** From TERM to KILL. */
const KILL_GRACE_MS = 8_000;
/** A step ends so long after its process at the latest, whoever still holds its streams open. */
const DRAIN_MS = 2_000;
/** Linux takes at most 128 KiB for one argument (MAX_ARG_STRLEN, execve(2)); longer scripts go through a file. */
const MAX_ARGUMENT_BYTES = 96 * 1024;

const SHELLS: Readonly<Record<ShellAction['shell'], { command: string; flags: string[] }>> = {
  sh: { command: '/bin/sh', flags: ['-e'] },
  bash: { command: '/bin/bash', flags: ['-e', '-o', 'pipefail'] },
};

/** Runs the commands of one step in one shell, in the workspace of one execution attempt. */
export class ShellStepHandler extends StepHandler<ShellAction> {
  readonly kind = 'shell';
  private started = 0;

  constructor(
    private readonly processes: ProcessRunner,
    private readonly workspace: Workspace,
    /** The process group of the execution attempt, by which everything that it leaves behind is found. */
    private readonly group: string,
    private readonly output: StepOutput,
  ) {
    super();
  }

  async run(attempt: StepAttempt<ShellAction>, signal: AbortSignal): Promise<StepOutcome> {
    const folder = await resolveInWorkspace(
      this.workspace.directory,
      attempt.action.workingDirectory,
    );
    if (folder.kind !== 'inside') return wrongFolder(folder.kind, attempt.action);

    const number = (this.started += 1);
    const outputFile = join(this.workspace.outputs, String(number));
    const { command, flags } = SHELLS[attempt.action.shell];
    const process = await this.processes.start({
      id: `${this.group}/${number}`,
      group: this.group,
      command,
      args: [...flags, ...(await this.script(attempt.action.commands, number))],
      environment: stepEnvironment(this.workspace, outputFile, attempt.environment),
      cwd: folder.path,
    });
    failPoint(isHook(attempt) ? 'hook_started' : 'step_started');
    const { exit, killed } = await this.follow(process, attempt, signal);
    failPoint('step_ended');
    // A step before may have removed the workspace itself.
    if (exit.kind === 'not_started' && !(await isFolder(folder.path))) {
      return wrongFolder('missing', attempt.action);
    }
    return this.outcome(exit, killed, attempt, outputFile);
  }

  private async script(commands: readonly string[], number: number): Promise<string[]> {
    const text = commands.join('\n');
    if (Buffer.byteLength(text) <= MAX_ARGUMENT_BYTES) return ['-c', text];
    const file = join(this.workspace.temporary, `.script-${number}`);
    await writeFile(file, text, { mode: 0o644 });
    return [file];
  }

  /**
   * Passes the streams on, ends the tree on abort, and resolves when both process and streams are over. `killed`: the
   * abort came first, whatever the process made of it; what ends well at TERM was ended all the same.
   */
  private async follow(
    process: RunningProcess,
    { address }: StepAttempt,
    signal: AbortSignal,
  ): Promise<{ exit: ProcessExit; killed: boolean }> {
    let killing: Promise<void> | undefined;
    const kill = (): void => {
      killing ??= process.kill(KILL_GRACE_MS);
    };
    if (signal.aborted) kill();
    signal.addEventListener('abort', kill, { once: true });

    const streams = Promise.all([
      pipeToSink(process.stdout, this.output.open(address, 'stdout')),
      pipeToSink(process.stderr, this.output.open(address, 'stderr')),
    ]);
    const exit = await process.exit;
    const killed = killing !== undefined;
    await killing;
    signal.removeEventListener('abort', kill);
    if (!(await endsWithin(DRAIN_MS, streams))) {
      process.closeOutputs();
      this.output.systemLine(
        address,
        'A background process of this step still holds its output open: what it prints from here on is dropped.',
      );
      await streams;
    }
    return { exit, killed };
  }

  private async outcome(
    exit: ProcessExit,
    killed: boolean,
    attempt: StepAttempt<ShellAction>,
    outputFile: string,
  ): Promise<StepOutcome> {
    switch (exit.kind) {
      case 'not_started':
        return infrastructure('not_started', `The shell could not be started: ${exit.message}`, {
          code: exit.code,
        });
      case 'lost':
        return infrastructure('process_lost', exit.message);
      case 'signalled':
        return { kind: killed ? 'aborted' : 'failed', signal: exit.signal };
      case 'exited':
        if (killed) return { kind: 'aborted', exitCode: exit.exitCode };
        if (exit.exitCode === 0) return this.success(attempt, outputFile);
        return { kind: 'failed', exitCode: exit.exitCode };
    }
  }

  private async success(
    { outputs: declared }: StepAttempt,
    outputFile: string,
  ): Promise<StepOutcome> {
    const read = await readOutputFile(outputFile, declared);
    if (read.kind === 'outputs') return { kind: 'success', exitCode: 0, outputs: read.outputs };
    return {
      kind: 'failed',
      exitCode: 0,
      reason: { code: 'output_invalid', message: read.message },
    };
  }
}

function isHook({ address }: StepAttempt): boolean {
  return address.stage === 'always' || address.stage === 'on_failure';
}

function wrongFolder(kind: 'outside' | 'missing', action: ShellAction): StepOutcome {
  const directory = action.workingDirectory ?? '';
  const reason: Reason =
    kind === 'outside'
      ? {
          code: 'working_directory_outside',
          message: 'working_directory leads out of the workspace',
          data: { working_directory: directory },
        }
      : {
          code: 'working_directory_missing',
          message: 'working_directory does not exist or is no folder',
          data: { working_directory: directory },
        };
  return { kind: 'failed', reason };
}

function infrastructure(
  code: string,
  message: string,
  data?: Readonly<Record<string, unknown>>,
): StepOutcome {
  return { kind: 'infrastructure', reason: { code, message, data } };
}

async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const ended = await Promise.race([work.then(() => true as const), deadline]);
  clearTimeout(timer);
  return ended;
}
