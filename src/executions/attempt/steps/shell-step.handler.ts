import { existsSync } from 'node:fs';
import { messageOf } from '../../../common/values/error-message.js';
import { within } from '../../../common/async/within.js';
import { failPoint } from '../../../common/fail-point.js';
import { exitCodeOfSignal } from '../../../engine/runtime/signals.js';
import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
} from '../../../engine/runtime/step-handler.js';
import { SHELL_KIND, type ShellAction } from '../../../engine/steps/shell/shell-action.js';
import type {
  ProcessExit,
  ProcessRunner,
  RunningProcess,
} from '../../../integrations/process/process-runner.js';
import { pipeToSink } from '../../../logs/write/log-sink.js';
import { StepUserScripts } from '../../../workspaces/step-user-scripts.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import { exitOutcome } from './exit-outcome.js';
import type { OutputFile } from './output-file.js';
import { endOf } from './ended-program.js';
import { NOT_FOUND, notFoundReason, withSearchFolders } from './search-path.js';
import { needsFile, scriptOf, shellCommand } from './shell-command.js';
import type { StepHost } from './step-environment.js';
import { StepFiles } from './step-files.js';
import { infrastructure } from './step-outcomes.js';
import type { StepOutput } from './step-output.js';
import { workingDirectoryReason } from './working-directory-reason.js';
import { resolveInWorkspace } from './workspace-path.js';

/** A step ends so long after its process at the latest, whoever still holds its streams open. */
const DRAIN_MS = 2_000;

/** Runs the commands of one step in one shell, in the workspace of one execution attempt. */
export class ShellStepHandler extends StepHandler<ShellAction> {
  readonly kind = SHELL_KIND;
  private readonly scripts: StepUserScripts;

  constructor(
    private readonly processes: ProcessRunner,
    private readonly workspace: Workspace,
    /**
     * Name of the group of the execution attempt (docs/glossary.md), by which everything that it
     * leaves behind is found.
     */
    private readonly group: string,
    private readonly output: StepOutput,
    private readonly host: Pick<StepHost, 'begin' | 'path'>,
  ) {
    super();
    this.scripts = new StepUserScripts(processes, `${group}/`);
  }

  async run(asked: StepAttempt<ShellAction>, signal: AbortSignal): Promise<StepOutcome> {
    const { workingDirectory, path } = asked.action;
    const attempt = { ...asked, environment: withSearchFolders(asked.environment, path) };
    const { directory } = this.workspace;
    const folder = await resolveInWorkspace(this.scripts, directory, workingDirectory);
    if (folder.kind === 'unknown') return unusable(folder.message);
    if (folder.kind !== 'inside') return wrongFolder(folder.kind, attempt.action);

    const number = this.host.begin(attempt.address);
    const text = scriptOf(attempt.action);
    let files: StepFiles;
    try {
      files = StepFiles.make(this.workspace, number, needsFile(text) ? text : undefined);
    } catch (error) {
      return unusable(messageOf(error));
    }
    try {
      const process = await this.start(attempt, text, folder.path, number, files.script?.path);
      failPoint(isHook(attempt) ? 'hook_started' : 'step_started');
      const { exit, killed } = await this.follow(process, attempt, signal);
      failPoint('step_ended');
      return this.outcome(exit, killed, attempt, files.output);
    } finally {
      files.close();
    }
  }

  private start(
    { action, environment }: StepAttempt<ShellAction>,
    text: string,
    folder: string,
    number: number,
    scriptFile: string | undefined,
  ): Promise<RunningProcess> {
    return this.processes.start({
      id: `${this.group}/${number}`,
      group: this.group,
      ...shellCommand(action, text, scriptFile),
      environment,
      mergeOutput: action.separateStreams !== true,
      cwd: this.workspace.directory,
      // Entered by the step itself: a step that runs beside this one may have put a link there
      // meanwhile.
      ...(folder !== this.workspace.directory && { directory: folder }),
    });
  }

  /**
   * Passes the streams on, ends the tree on abort, and resolves when both process and streams are
   * over.
   */
  private async follow(
    process: RunningProcess,
    { address }: StepAttempt,
    signal: AbortSignal,
  ): Promise<{ exit: ProcessExit; killed: boolean }> {
    const streams = Promise.all([
      pipeToSink(process.stdout, this.output.open(address, 'stdout')),
      pipeToSink(process.stderr, this.output.open(address, 'stderr')),
    ]);
    const ended = await endOf(process, signal);
    const haveEnded = await within(
      DRAIN_MS,
      streams.then(() => true),
      () => false,
    );
    if (!haveEnded) {
      process.closeOutputs();
      this.output.systemLine(
        address,
        'A background process of this step still holds its output open: what it prints from here on is dropped.',
      );
      await streams;
    }
    return ended;
  }

  private outcome(
    exit: ProcessExit,
    killed: boolean,
    attempt: StepAttempt<ShellAction>,
    outputFile: OutputFile,
  ): StepOutcome {
    const { action, environment, outputs: declared } = attempt;
    switch (exit.kind) {
      case 'not_started':
        // A step that runs beside this one changed the way to it after the look.
        if (exit.directory !== undefined) return wrongFolder('missing', action);
        // A step before may have removed it, where steps are the user of the server.
        if (!existsSync(this.workspace.directory)) return workspaceGone();
        if (exit.code === 'E2BIG') return tooLarge(environment);
        return infrastructure('not_started', `The shell could not be started: ${exit.message}`, {
          code: exit.code,
        });
      case 'lost':
        return infrastructure('process_lost', exit.message);
      case 'signalled': {
        const { signal } = exit;
        const exitCode = exitCodeOfSignal(signal);
        const outputs = outputFile.readWhole(declared);
        return { kind: killed ? 'aborted' : 'failed', exitCode, signal, outputs };
      }
      case 'exited':
        return this.exited(exit.exitCode, killed, outputFile, attempt);
    }
  }

  private exited(
    exitCode: number,
    killed: boolean,
    outputFile: OutputFile,
    { environment, outputs: declared }: StepAttempt<ShellAction>,
  ): StepOutcome {
    const outcome = exitOutcome(exitCode, killed, outputFile, declared);
    if (outcome.kind !== 'failed' || exitCode !== NOT_FOUND) return outcome;
    const path = environment['PATH'] ?? '';
    return { ...outcome, reason: notFoundReason(path, this.whoSearched(path)) };
  }

  private whoSearched(path: string): string {
    const { owner } = this.workspace;
    const inherited = this.host.path;
    if (inherited !== undefined && path.endsWith(inherited)) {
      return 'that is your own PATH (--inherit-path)';
    }
    const who =
      owner === undefined
        ? 'steps do not see the PATH of whoever started Millrace'
        : `steps run as the user ${owner.name}, whose HOME and PATH are not yours`;
    return `${who}; path: adds folders`;
  }
}

/**
 * The kernel takes 128 KiB for one variable, and a quarter of the stack's limit (2 MiB as a rule)
 * for all; see execve(2).
 */
function tooLarge(environment: Readonly<Record<string, string>>): StepOutcome {
  const sizes = Object.entries(environment).map(([name, value]) => ({
    name,
    bytes: Buffer.byteLength(name) + Buffer.byteLength(value) + 2,
  }));
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const [largest] = sizes.sort((one, other) => other.bytes - one.bytes);
  const message = `The environment is too large for the system: ${total} bytes, of which ${largest?.name} has ${largest?.bytes}. Hand large values over in a file.`;
  const data = { variable: largest?.name, bytes: largest?.bytes, total_bytes: total };
  return {
    kind: 'failed',
    isFinal: true,
    reason: { code: 'environment_too_large', message, data },
  };
}

function isHook({ address }: StepAttempt): boolean {
  return address.stage === 'always' || address.stage === 'on_failure';
}

function wrongFolder(kind: 'outside' | 'missing', action: ShellAction): StepOutcome {
  return { kind: 'failed', reason: workingDirectoryReason(kind, action.workingDirectory) };
}

function workspaceGone(): StepOutcome {
  const message = 'The workspace is gone: a step before removed it';
  return { kind: 'failed', reason: { code: 'working_directory_missing', message } };
}

function unusable(message: string): StepOutcome {
  return infrastructure('workspace_unusable', `The workspace cannot be used: ${message}`);
}
