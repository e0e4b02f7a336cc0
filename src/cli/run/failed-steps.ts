import { type NameRecord, valueOf } from '../../common/values/name-record.js';
import { posixWord } from '../../common/values/posix-words.js';
import type { RunState } from '../../engine/plan/run-state.js';
import {
  type StepAttempt,
  type StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../engine/runtime/step-handler.js';
import {
  CONTAINER_KIND,
  type ContainerAction,
} from '../../engine/steps/container/container-action.js';
import {
  SHELL_KIND,
  SHELL_PROGRAMS,
  type ShellAction,
} from '../../engine/steps/shell/shell-action.js';
import { CONTAINER_WORKSPACE } from '../../executions/attempt/steps/container-files.js';
import { OuterStepHandler } from '../../executions/attempt/steps/outer-step.handler.js';
import { withSearchFolders } from '../../executions/attempt/steps/search-path.js';
import type { StepPlace } from '../../executions/attempt/steps/step-handlers.js';

/** A shell where a step stood, with its variables. */
export interface StepShell {
  /** `stage/step`. */
  readonly place: string;
  readonly command: string;
  /** Arguments of the command, where it has these variables. */
  readonly args: (environment: NameRecord<string>) => readonly string[];
  /** A folder that may be gone by then. */
  readonly directory: string;
  readonly environment: NameRecord<string>;
}

/**
 * What the client of the engine, and how it is loaded, would take from the variables of a step. Not
 * among them is what may be a secret: these variables stand on its command line.
 */
const OF_CLIENT =
  /^(PATH|HOME|LD_\w+|DOCKER_(HOST|TLS|TLS_VERIFY|CERT_PATH|CONFIG|CONTEXT|API_VERSION|DEFAULT_PLATFORM|CONTENT_TRUST))$/;

export function isOfClient(name: string): boolean {
  return OF_CLIENT.test(name);
}

interface Failed {
  readonly attempt: StepAttempt;
  readonly workspace: string;
}

/** Remembers with which variables the steps of a run failed. */
export class FailedSteps {
  private readonly last = new Map<string, Failed>();

  /** The handler itself, but what fails in it is remembered. */
  watched(inner: StepHandler, { workspace }: Pick<StepPlace, 'workspace'>): StepHandler {
    return new WatchedStepHandler(inner, (attempt) =>
      this.last.set(keyOf(attempt.address), { attempt, workspace: workspace.directory }),
    );
  }

  /**
   * A shell for what failed first. Undefined: nothing did, or it ran no commands.
   *
   * @param engine address of the container engine
   */
  shellAt({ failure }: RunState, engine: string | undefined): StepShell | undefined {
    const failed = failure && this.last.get(keyOf(failure));
    if (failed === undefined) return undefined;
    const { address, action } = failed.attempt;
    const place = address.stage === '' ? address.step : `${address.stage}/${address.step}`;
    switch (action.kind) {
      case SHELL_KIND:
        return { place, ...shellOf(failed, action as ShellAction) };
      case CONTAINER_KIND:
        return { place, ...containerShellOf(failed, action as ContainerAction, engine) };
      default:
        return undefined;
    }
  }
}

type ShellOf = Omit<StepShell, 'place'>;

function shellOf({ attempt, workspace }: Failed, { shell, ...action }: ShellAction): ShellOf {
  return {
    command: SHELL_PROGRAMS[shell],
    args: () => ['-i'],
    directory: below(workspace, action.workingDirectory),
    environment: withSearchFolders(attempt.environment, action.path),
  };
}

/** Another container of the same image: that of the step is gone. */
function containerShellOf(
  { attempt, workspace }: Failed,
  action: ContainerAction,
  engine: string | undefined,
): ShellOf {
  const host = engine === undefined ? [] : ['--host', engine];
  const user = action.user === undefined ? [] : ['--user', action.user];
  const args: ShellOf['args'] = (environment) => [
    ...[
      ...host,
      'run',
      '--rm',
      '--interactive',
      '--tty',
      '--volume',
      `${workspace}:${CONTAINER_WORKSPACE}`,
    ],
    ...['--workdir', below(CONTAINER_WORKSPACE, action.workingDirectory), ...user],
    // By their names only: what is on a command line everybody can see.
    ...Object.keys(environment).flatMap((name) => ['--env', argumentOf(name, environment)]),
    ...['--entrypoint', SHELL_PROGRAMS.sh, action.image, ...withFolders(action.path)],
  ];
  return { command: 'docker', args, directory: workspace, environment: attempt.environment };
}

/** Before the shell asks anything: only there the `PATH` of the image is known. */
function withFolders(path: ContainerAction['path'] = []): readonly string[] {
  if (path.length === 0) return [];
  const folders = path.map((one) => (one.startsWith('/') ? one : below(CONTAINER_WORKSPACE, one)));
  const set = `PATH=${posixWord(folders.join(':'))}"\${PATH:+:$PATH}"`;
  return ['-c', `${set}; export PATH; exec ${SHELL_PROGRAMS.sh} -i`];
}

/** The client takes its own from the caller. */
function argumentOf(name: string, environment: StepShell['environment']): string {
  return isOfClient(name) ? `${name}=${valueOf(environment, name) ?? ''}` : name;
}

function below(folder: string, directory: string | undefined): string {
  return directory === undefined ? folder : `${folder}/${directory}`;
}

function keyOf({ stage, step }: { readonly stage: string; readonly step: string }): string {
  return JSON.stringify([stage, step]);
}

class WatchedStepHandler extends OuterStepHandler<StepAttempt['action']> {
  constructor(
    inner: StepHandler,
    private readonly onFailed: (attempt: StepAttempt) => void,
  ) {
    super(inner);
  }

  async run(
    attempt: StepAttempt,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const outcome = await this.inner.run(attempt, signal, progress);
    if (outcome.kind !== 'success' && outcome.kind !== 'suspended') this.onFailed(attempt);
    return outcome;
  }
}
