import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../common/values/error-message.js';
import { failPoint } from '../../../common/fail-point.js';
import { isFor } from '../../../common/values/image-platform.js';
import { valueOf } from '../../../common/values/name-record.js';
import { shownSize } from '../../../common/values/shown-size.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import {
  CONTAINER_KIND,
  type ContainerAction,
  DEFAULT_PIDS,
  DEFAULT_SHM_BYTES,
} from '../../../engine/steps/container/container-action.js';
import {
  type ContainerExit,
  type ContainerRuntime,
  EngineAwayError,
  type LocalImage,
  type NetworkResult,
  type RunningContainer,
} from '../../../integrations/container-runtime/container-runtime.js';
import { pipeToSink } from '../../../logs/write/log-sink.js';
import { HandOverError } from '../../../workspaces/tree-owners.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import { awaitNetwork } from '../await-network.js';
import { containerCommand, TOLD } from './container-command.js';
import { lostOutputLine } from '../lost-output.js';
import { CONTAINER_WORKSPACE, ContainerFiles } from './container-files.js';
import { endOf } from './ended-program.js';
import { exitMeaning } from './exit-meaning.js';
import { exitOutcome } from './exit-outcome.js';
import { imageRefused } from './image-refused.js';
import type { RunImages } from './run-images.js';
import { NOT_FOUND, notFoundReason, PLAIN_IMAGE_PATH, withSearchFolders } from './search-path.js';
import { needsFile, scriptOf } from './shell-command.js';
import type { StepHost } from './step-environment.js';
import { finallyFailed, infrastructure } from './step-outcomes.js';
import type { StepOutput } from './step-output.js';
import { withImageOptions } from './image-options.js';
import type { StepAdditions } from './step-additions.js';
import type { StepSidecars } from './step-sidecars.js';
import { workingDirectoryReason } from './working-directory-reason.js';

/** Runs the commands of one step, or what its image runs by itself, in a container of its own. */
export class ContainerStepHandler extends StepHandler<ContainerAction> {
  readonly kind = CONTAINER_KIND;
  constructor(
    private readonly runtime: ContainerRuntime,
    private readonly images: RunImages,
    private readonly workspace: Workspace,
    private readonly ownership: WorkspaceOwnership,
    /** Name of the group of the execution attempt, by which what it leaves is found. */
    private readonly group: string,
    private readonly output: StepOutput,
    private readonly host: Pick<StepHost, 'begin'>,
    private readonly sidecars: Pick<StepSidecars, 'networkOf'>,
    private readonly additions: Pick<StepAdditions, 'take'>,
    private readonly pause = untilOrAborted,
  ) {
    super();
  }

  async run(
    attempt: StepAttempt<ContainerAction>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    try {
      return await this.runIn(attempt, signal, progress);
    } catch (error) {
      if (signal.aborted && error === signal.reason) return { kind: 'aborted' };
      if (error instanceof EngineAwayError) return infrastructure(error.code, error.message);
      if (error instanceof HandOverError) {
        return infrastructure('workspace_unusable', error.message);
      }
      throw error;
    }
  }

  private async runIn(
    attempt: StepAttempt<ContainerAction>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const { address, action } = attempt;
    progress.begin('pull');
    const tell = (line: string): void => this.output.systemLine(address, line);
    const found = await this.images.find(action, tell, signal);
    if (found.kind === 'refused') return imageRefused(found.refusal, action.image);
    const { image } = found;
    failPoint('image_found');
    progress.tell({ image: { name: action.image, digest: image.digest } });
    progress.begin('ready');
    if (action.commands.length === 0 && !image.hasProgram && !action.entrypoint?.length) {
      return finallyFailed(
        'program_missing',
        `${action.image} says nothing that it runs: add run:`,
      );
    }
    const named = action.user ?? image.user;
    const user = await this.runtime.userOf(image.id, named);
    if (user === undefined)
      return finallyFailed('user_missing', `${action.image} has no user ${named}`);
    signal.throwIfAborted();
    const refusedNetwork = await this.openNetwork(attempt, tell, signal);
    if (refusedNetwork) return refusedNetwork;
    return this.ownership.asUser(user.uid, () => this.runWith(attempt, image, signal, progress));
  }

  /** That of sidecars is there by now; undefined: it has what it needs. */
  private async openNetwork(
    { action, address }: StepAttempt<ContainerAction>,
    tell: (line: string) => void,
    signal: AbortSignal,
  ): Promise<StepOutcome | undefined> {
    const isOfSidecars = this.sidecars.networkOf(address.stage) !== undefined;
    if (action.network === 'none' || isOfSidecars) return undefined;
    const pause = (ms: number): Promise<unknown> => this.pause(ms, signal);
    const open = (): Promise<NetworkResult> => this.runtime.openNetwork(undefined);
    const opened = await awaitNetwork(open, tell, pause, signal);
    if (opened.kind === 'network') return undefined;
    return infrastructure('container_not_started', opened.message);
  }

  private async runWith(
    attempt: StepAttempt<ContainerAction>,
    image: LocalImage,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const script = scriptOf(attempt.action);
    const isFile = needsFile(script);
    let files: ContainerFiles;
    try {
      const number = this.host.begin(attempt.address);
      files = ContainerFiles.make(this.workspace, number, isFile ? script : undefined);
    } catch (error) {
      const message = messageOf(error);
      return infrastructure('workspace_unusable', `The workspace cannot be used: ${message}`);
    }
    try {
      const container = await this.start(attempt, image, script, isFile, files);
      failPoint('container_started');
      progress.begin('command');
      const { exit, killed } = await this.follow(container, attempt, signal);
      failPoint('step_ended');
      const why = killed ? undefined : await this.whyNotRun(exit, image, attempt, files);
      this.tellMemory(exit, attempt);
      return why ?? outcomeOf(exit, killed, attempt, files, pathIn(attempt, image));
    } finally {
      files.close();
    }
  }

  /** Also where the step continued without that process, and perhaps succeeded. */
  private tellMemory(exit: ContainerExit, { address, action }: StepAttempt<ContainerAction>): void {
    if (exit.kind !== 'exited' || !exit.outOfMemory) return;
    this.output.systemLine(address, memoryReason(action).message);
  }

  /** A shell that said no word, of an image whose programs the engine does not run. */
  private async whyNotRun(
    exit: ContainerExit,
    { platform }: LocalImage,
    { action }: StepAttempt<ContainerAction>,
    files: ContainerFiles,
  ): Promise<StepOutcome | undefined> {
    if (exit.kind !== 'exited' || exit.exitCode === 0 || action.commands.length === 0) return;
    if (files.readTold() !== '') return;
    const { platform: engine } = await this.runtime.facts();
    if (isFor(platform, undefined, engine)) return;
    const message = `${action.image} is for ${platform}, and this engine, which is ${engine}, runs no programs of that`;
    return imageRefused({ code: 'image_platform', message }, action.image);
  }

  private start(
    { action, address, environment }: StepAttempt<ContainerAction>,
    image: LocalImage,
    script: string,
    isFile: boolean,
    files: ContainerFiles,
  ): Promise<RunningContainer> {
    const { cpus, memory, pids = DEFAULT_PIDS, shmSize = DEFAULT_SHM_BYTES } = action;
    const ofSidecars = this.sidecars.networkOf(address.stage);
    const network = ofSidecars === undefined ? 'steps' : { name: ofSidecars };
    const { mounts, options } = this.additions.take(address);
    return this.runtime.start({
      group: this.group,
      imageId: image.id,
      ...containerCommand(action, script, isFile),
      environment: withImageOptions(
        withSearchFolders(environment, action.path, pathOf(image)),
        options,
        image.environment,
      ),
      user: action.user,
      groups: [this.ownership.group],
      mounts: [
        { source: this.workspace.directory, target: CONTAINER_WORKSPACE },
        ...files.mounts,
        ...mounts,
      ],
      limits: { cpus, memory, pids, shmSize },
      network: action.network ?? network,
    });
  }

  private async follow(
    container: RunningContainer,
    { address }: StepAttempt,
    signal: AbortSignal,
  ): Promise<{ exit: ContainerExit; killed: boolean }> {
    container.onLost((why) => this.output.systemLine(address, lostOutputLine(why, 'step')));
    const streams = Promise.all([
      pipeToSink(container.stdout, this.output.open(address, 'stdout')),
      pipeToSink(container.stderr, this.output.open(address, 'stderr')),
    ]);
    const ended = await endOf(container, signal);
    await streams;
    return ended;
  }
}

function pathOf({ environment }: LocalImage): string {
  return valueOf(environment, 'PATH') ?? PLAIN_IMAGE_PATH;
}

/** Where the commands look for programs. */
function pathIn({ environment, action }: StepAttempt<ContainerAction>, image: LocalImage): string {
  const own = withSearchFolders(environment, action.path, pathOf(image));
  return valueOf(own, 'PATH') ?? pathOf(image);
}

/** Resolves after so many ms, or when it is aborted. */
async function untilOrAborted(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

function outcomeOf(
  exit: ContainerExit,
  killed: boolean,
  { action, outputs }: StepAttempt<ContainerAction>,
  files: ContainerFiles,
  path: string,
): StepOutcome {
  switch (exit.kind) {
    case 'lost':
      return killed ? { kind: 'aborted' } : infrastructure('container_lost', exit.message);
    case 'not_started':
      return notStarted(exit, action);
    case 'exited':
      break;
  }
  const { exitCode, outOfMemory } = exit;
  const outcome = exitOutcome(exitCode, killed, files.output, outputs);
  if (outcome.kind !== 'failed' || exitCode === 0) return outcome;
  const why =
    toldReason(files.readTold(), exitCode, action) ??
    (outOfMemory ? memoryReason(action) : undefined) ??
    ownProgramReason(exitCode, action) ??
    (exitCode === NOT_FOUND ? notFoundReason(path, `all of it in ${action.image}`) : undefined);
  return why === undefined ? outcome : { ...outcome, reason: why };
}

/** What our first words in the container told of why it ended; the step can say so, too. */
function toldReason(told: string, exitCode: number, action: ContainerAction): Reason | undefined {
  if (action.commands.length === 0) return undefined;
  switch (told) {
    case '':
      return exitCode === 127 || exitCode === 126 ? neverBegun(action) : undefined;
    case TOLD.missing:
      return workingDirectoryReason('missing', action.workingDirectory);
    case TOLD.outside:
      return workingDirectoryReason('outside', action.workingDirectory);
    case TOLD.noShell:
      return shellMissing(action.shell, action);
    default:
      return undefined;
  }
}

/** Of a step that runs what the image runs; the codes of commands are their own affair. */
function ownProgramReason(exitCode: number, { commands }: ContainerAction): Reason | undefined {
  const meaning = commands.length === 0 ? exitMeaning(exitCode) : '';
  if (meaning === '') return undefined;
  const message = `exit code ${exitCode}${meaning}`;
  return { code: 'exit_code', message, data: { exit_code: exitCode } };
}

/** The shell of the commands did not come to say its first word. */
function neverBegun(action: ContainerAction): Reason {
  const [program] = action.entrypoint ?? [];
  if (program === undefined) return shellMissing('/bin/sh', action);
  const message = `${action.image} does not have the entrypoint ${program}, or has no /bin/sh`;
  return { code: 'program_missing', message, data: { program } };
}

function shellMissing(shell: string, { image }: ContainerAction): Reason {
  const message = `${image} has no ${shell}, which runs the commands`;
  return { code: 'shell_missing', message, data: { shell } };
}

function memoryReason({ memory }: ContainerAction): Reason {
  const limit = memory === undefined ? 'what the machine has' : `its limit of ${shownSize(memory)}`;
  const message = `it needed more memory than ${limit}: the kernel ended a process of it`;
  return { code: 'out_of_memory', message, data: { memory: memory ?? null } };
}

function notStarted(
  { why, message }: Extract<ContainerExit, { kind: 'not_started' }>,
  { image, user }: ContainerAction,
): StepOutcome {
  switch (why) {
    case 'user':
      return finallyFailed(
        'user_missing',
        `${image} has no user ${user ?? 'as it names'}: ${message}`,
      );
    case 'program':
      return finallyFailed(
        'program_missing',
        `${image} does not have what it was to run: ${message}`,
      );
    case 'other':
      return infrastructure('container_not_started', message);
  }
}
