import { within } from '../../../common/async/within.js';
import type { MaskSet } from '../../../common/redaction/mask-set.js';
import { valueOf } from '../../../common/values/name-record.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import { BUILD_KIND, type BuildAction } from '../../../engine/steps/build/build-action.js';
import { imageReference, parseImageName } from '../../../engine/steps/container/image-name.js';
import { EngineAwayError } from '../../../integrations/container-runtime/container-runtime.js';
import type {
  BuilderProgram,
  ImageBuilder,
} from '../../../integrations/container-runtime/image-builder.js';
import type {
  ProcessExit,
  ProcessRunner,
  RunningProcess,
} from '../../../integrations/process/process-runner.js';
import { pipeToSink } from '../../../logs/write/log-sink.js';
import { HandOverError } from '../../../workspaces/tree-owners.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import { buildCommand, cacheSources } from './build-command.js';
import { copyContext } from './build-context.js';
import { buildFailure, OutputTail } from './build-failure.js';
import { BuildFolder } from './build-folder.js';
import type { BuiltNames } from './built-names.js';
import { buildLabels } from './build-labels.js';
import { endOf } from './ended-program.js';
import type { RegistryAccess } from './registry-access.js';
import type { StepHost } from './step-environment.js';
import { finallyFailed, infrastructure } from './step-outcomes.js';
import type { OutputSink, StepOutput } from './step-output.js';

/** The end of the output is waited for so long after the builder's. */
const DRAIN_MS = 2_000;
/** Of what a context is without, so many are named in the log. */
const MAX_TOLD = 10;

/** What builds are made with, for one run. */
export interface BuildTools {
  readonly processes: ProcessRunner;
  readonly builder: ImageBuilder;
  readonly access: RegistryAccess;
  /** Registries that images may be pushed to; undefined: any. */
  readonly allowed: readonly string[] | undefined;
  readonly built: BuiltNames;
  readonly workspace: Workspace;
  readonly ownership: Pick<WorkspaceOwnership, 'asServer'>;
  /** Name of the group of the execution attempt. */
  readonly group: string;
  readonly output: StepOutput;
  readonly masks: MaskSet;
  readonly host: Pick<StepHost, 'begin'>;
}

interface Try {
  readonly attempt: StepAttempt<BuildAction>;
  readonly program: BuilderProgram;
  readonly folder: BuildFolder;
  readonly signal: AbortSignal;
  readonly progress: StepProgress;
}

/** Builds an image of a copy of a folder of the workspace, and pushes it. */
export class BuildStepHandler extends StepHandler<BuildAction> {
  readonly kind = BUILD_KIND;

  constructor(private readonly tools: BuildTools) {
    super();
  }

  async run(
    attempt: StepAttempt<BuildAction>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const { builder, workspace, host } = this.tools;
    const { program, reason } = builder;
    if (program === undefined)
      return finallyFailed('builder_missing', `no images are built: ${reason}`);
    const refusal = this.refusalOf(attempt.action);
    if (refusal) return { kind: 'failed', reason: refusal, isFinal: true };
    let folder: BuildFolder | undefined;
    try {
      folder = BuildFolder.make(workspace, host.begin(attempt.address));
      return await this.runIn({ attempt, program, folder, signal, progress });
    } catch (error) {
      if (signal.aborted && error === signal.reason) return { kind: 'aborted' };
      if (error instanceof EngineAwayError) return infrastructure(error.code, error.message);
      if (error instanceof HandOverError)
        return infrastructure('workspace_unusable', error.message);
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
      return infrastructure('workspace_unusable', `The workspace cannot be used: ${message}`);
    } finally {
      await folder?.remove();
    }
  }

  /** What stands in the plan was checked, but not what expressions come to. */
  private refusalOf(action: BuildAction): Reason | undefined {
    const { tags = [], args = {}, labels = {}, push } = action;
    for (const name of [...tags, ...cacheSources(action)]) {
      const parsed = parseImageName(name);
      if (parsed === undefined || parsed.digest !== undefined) {
        return { code: 'image_invalid', message: `"${name}" is no name of an image` };
      }
      const { registry } = parsed;
      const isAsked = push === true || !tags.includes(name);
      if (isAsked && this.tools.allowed?.includes(registry) === false) {
        const message = `images may not go to or come from ${registry} here (REGISTRIES)`;
        return { code: 'registry_refused', message, data: { image: name } };
      }
    }
    const { masks } = this.tools;
    const shown = [...Object.entries(args), ...Object.entries(labels)];
    const [secret] = shown.find(([, value]) => masks.maskText(value) !== value) ?? [];
    if (secret === undefined) return undefined;
    const message = `${secret} holds a secret, which would stand in the image: name it in secrets, and mount it`;
    return { code: 'secret_in_args', message, data: { name: secret } };
  }

  private async runIn(run: Try): Promise<StepOutcome> {
    const { attempt, folder, signal, progress } = run;
    const { action } = attempt;
    progress.begin('ready');
    const { workspace, ownership } = this.tools;
    const copied = await ownership.asServer(() =>
      copyContext(workspace.directory, action, folder, signal),
    );
    if (copied.kind === 'refused') {
      return { kind: 'failed', reason: copied.reason, isFinal: true };
    }
    for (const { path, reason } of copied.leftOut.listed.slice(0, MAX_TOLD)) {
      this.tell(attempt, `left out of the context: ${path} (${reason})`);
    }
    const unnamed = copied.leftOut.unlisted + Math.max(0, copied.leftOut.listed.length - MAX_TOLD);
    if (unnamed > 0) this.tell(attempt, `left out of the context: ${unnamed} more`);
    progress.begin('command');
    const built = await this.build(run, copied.dockerfile);
    if (built.kind !== 'success') return built;
    return this.finish(run, built.exitCode ?? 0);
  }

  private async build(run: Try, dockerfile: string): Promise<StepOutcome> {
    const { attempt, program, folder, signal } = run;
    const { builder, access, processes, group } = this.tools;
    const { action, address, environment } = attempt;
    folder.putLogins(access.logins);
    const secrets = this.putSecrets(run);
    const process = await processes.start({
      id: `${group}/${folder.path}`,
      group,
      ...buildCommand({
        ...{ program, dockerfile, secrets, action },
        host: builder.host,
        folder: folder.path,
        labels: buildLabels(action, environment, builder.labels(group), new Date()),
        mustAsk: await builder.mustAskRegistries(),
      }),
      mergeOutput: true,
      cwd: folder.path,
      asServer: true,
    });
    const tail = new OutputTail();
    const sink = this.tools.output.open(address, 'stdout');
    const { exit, killed } = await follow(process, tailed(sink, tail), signal);
    return killed ? { kind: 'aborted' } : outcomeOf(exit, tail.lines, this.tools.built);
  }

  /** Names of those that the run has been given. */
  private putSecrets({ attempt, folder }: Try): readonly string[] {
    const { action, environment } = attempt;
    return (action.secrets ?? []).filter((name) => {
      const value = valueOf(environment, name);
      if (value === undefined) this.tell(attempt, `the secret ${name} is not for such a run`);
      else folder.putSecret(name, value);
      return value !== undefined;
    });
  }

  private async finish(run: Try, exitCode: number): Promise<StepOutcome> {
    const { attempt, folder, progress } = run;
    const { builder, built, group } = this.tools;
    const { tags = [], push } = attempt.action;
    const kept = await builder.keep(folder.readId(), group);
    if (kept.kind !== 'kept') return notKept(kept.kind);
    const { image } = kept;
    const { id } = image;
    const [shown = 'no name'] = tags;
    progress.tell({ image: { name: shown, digest: id } });
    const pushed = push === true ? await this.pushAll(run, id) : { digest: undefined };
    if ('outcome' in pushed) return pushed.outcome;
    const { digest } = pushed;
    if (digest !== undefined) progress.tell({ image: { name: shown, digest } });
    for (const tag of tags) {
      built.add(referenceOf(tag), { ...image, digest: digest ?? id }, push === true);
    }
    return {
      kind: 'success',
      exitCode,
      outputs: { image: id, ...(digest !== undefined && { digest }) },
    };
  }

  /** The digest of the first tag. */
  private async pushAll(
    { attempt, signal }: Try,
    image: string,
  ): Promise<{ readonly digest: string | undefined } | { readonly outcome: StepOutcome }> {
    const { builder, access } = this.tools;
    let digest: string | undefined;
    for (const tag of attempt.action.tags ?? []) {
      const reference = referenceOf(tag);
      const login = access.loginFor(parseImageName(tag)?.registry ?? '');
      const tell = (line: string): void => this.tell(attempt, line);
      tell(`pushing ${reference}`);
      const result = await builder.push({ image, reference, login }, tell, signal);
      if (result.kind === 'refused') return { outcome: notPushed(result, tag) };
      tell(`pushed ${tag}: ${result.digest}`);
      digest ??= result.digest;
    }
    return { digest };
  }

  private tell({ address }: StepAttempt, line: string): void {
    this.tools.output.systemLine(address, line);
  }
}

/** Of a tag that has been checked. */
function referenceOf(tag: string): string {
  const name = parseImageName(tag);
  if (name === undefined) throw new Error(`the tag ${tag} has not been checked`);
  return imageReference(name);
}

/** Passes the output on; ends the builder on abort. */
async function follow(
  process: RunningProcess,
  sink: OutputSink,
  signal: AbortSignal,
): Promise<{ readonly exit: ProcessExit; readonly killed: boolean }> {
  const stream = pipeToSink(process.stdout, sink);
  const ended = await endOf(process, signal);
  await within(DRAIN_MS, stream, () => process.closeOutputs());
  await stream;
  return ended;
}

function tailed(sink: OutputSink, tail: OutputTail): OutputSink {
  return {
    write: (bytes) => {
      tail.push(bytes);
      return sink.write(bytes);
    },
    end: () => sink.end(),
  };
}

function outcomeOf(exit: ProcessExit, lines: readonly string[], built: BuiltNames): StepOutcome {
  switch (exit.kind) {
    case 'exited':
      return exit.exitCode === 0
        ? { kind: 'success', exitCode: 0 }
        : buildFailure(exit.exitCode, lines, (name) => built.isOnlyHere(name));
    case 'signalled':
      return infrastructure('process_lost', `the builder was ended by ${exit.signal}`);
    case 'not_started':
      return infrastructure('not_started', `The builder could not be started: ${exit.message}`);
    case 'lost':
      return infrastructure('process_lost', exit.message);
  }
}

function notKept(kind: 'gone' | 'unlabelled'): StepOutcome {
  if (kind === 'gone') {
    return infrastructure('image_lost', 'the image was built, and is gone from the engine');
  }
  const message =
    'the image has not the labels it was given: its frontend (# syntax=) left them out';
  return finallyFailed('build_failed', message);
}

function notPushed(
  { code, message }: { readonly code: string; readonly message: string },
  image: string,
): StepOutcome {
  const reason: Reason = { code, message, data: { image } };
  if (code === 'push_failed') return { kind: 'infrastructure', reason };
  return { kind: 'failed', reason, isFinal: true };
}
