import { userInfo } from 'node:os';
import type { StepAddress } from '../../../engine/runtime/step-handler.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import { outputFilePath } from './output-file.js';

/**
 * Variables of an execution attempt that only this machine knows (port `hostVariables` of the
 * engine), and the numbers of its tries, by which the files of a try are named before it begins.
 */
export class StepHost {
  private readonly numbers = new Map<string, number>();
  private last = 0;

  constructor(private readonly workspace: Workspace) {}

  variables(address: StepAddress | undefined): Readonly<Record<string, string>> {
    const { home, temporary, directory, owner } = this.workspace;
    const user = owner?.name ?? ownName();
    return {
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
