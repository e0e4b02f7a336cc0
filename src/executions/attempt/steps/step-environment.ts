import { userInfo } from 'node:os';
import type { StepAction } from '../../../engine/plan/plan.js';
import type { StepAddress } from '../../../engine/runtime/step-handler.js';
import { kindOf } from '../../../engine/steps/step-kind-registry.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import { CONTAINER_OUTPUT, CONTAINER_WORKSPACE } from './container-files.js';
import { outputFilePath } from './output-file.js';

/** Home, user and paths are those of the image. Git works in it, whoever owns the files. */
const CONTAINER_VARIABLES = {
  CI_WORKSPACE: CONTAINER_WORKSPACE,
  CI_OUTPUT: CONTAINER_OUTPUT,
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  // Repositories below the workspace, too: git takes no pattern of folders before 2.46.
  GIT_CONFIG_VALUE_0: '*',
} as const;

/**
 * Variables of an execution attempt that only this machine knows (port `hostVariables` of the
 * engine), and the numbers of its tries, by which the files of a try are named before it begins.
 */
export class StepHost {
  private readonly numbers = new Map<string, number>();
  private last = 0;

  constructor(
    private readonly workspace: Workspace,
    /** In the place of the fixed `PATH`, for what runs in no image. */
    readonly path?: string,
  ) {}

  variables(
    address: StepAddress | undefined,
    action?: StepAction,
  ): Readonly<Record<string, string>> {
    if (action && kindOf(action).runsIn === 'image') return CONTAINER_VARIABLES;
    const { home, temporary, directory, owner } = this.workspace;
    const user = owner?.name ?? ownName();
    return {
      ...(this.path !== undefined && { PATH: this.path }),
      HOME: home,
      TMPDIR: temporary,
      USER: user,
      LOGNAME: user,
      // Java asks the system for the home of its user, not `HOME`: see
      // docs/adr/0023-variables-of-a-step.md.
      JAVA_TOOL_OPTIONS: `-Duser.home=${quoted(home)}`,
      CI_WORKSPACE: directory,
      ...(address && { CI_OUTPUT: outputFilePath(this.workspace, this.numberOf(address)) }),
    };
  }

  /**
   * The number of a try that begins; who asks for its variables afterwards gets those of another
   * one.
   */
  begin(address: StepAddress): number {
    const number = this.numberOf(address);
    this.numbers.delete(keyOf(address));
    return number;
  }

  private numberOf(address: StepAddress): number {
    const key = keyOf(address);
    const number = this.numbers.get(key) ?? (this.last += 1);
    this.numbers.set(key, number);
    return number;
  }
}

function keyOf({ stage, step, attempt }: StepAddress): string {
  return JSON.stringify([stage, step, attempt]);
}

/**
 * The name of the server's own user; its number where the system has no name for it, as in some
 * containers.
 */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}

/** As the JVM reads its options: blanks part them, quotes of either kind hold together. */
function quoted(path: string): string {
  return /[\s"']/.test(path) ? `"${path.replaceAll('"', `"'"'"`)}"` : path;
}
