import { type ChildProcess, spawn } from 'node:child_process';

/** Between two commands of one clone it stays. */
const IDLE_MS = 5_000;

/**
 * The text is constant; what it reads are numbers of ours. At the end of its input it kills what is
 * still there.
 */
const GUARD = `groups=
while read -r verb pid; do
  case $verb in
  add) groups="$groups $pid" ;;
  drop)
    others=
    for group in $groups; do [ "$group" = "$pid" ] || others="$others $group"; done
    groups=$others
    ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done`;

/**
 * Sees to it that process groups end with this process, also when this process is killed: a shell
 * waits for the end of a pipe that only we hold. One for all groups: a process for each command
 * would cost as much as many a command does.
 */
export class GroupGuard {
  private readonly groups = new Set<number>();
  private shell: ChildProcess | undefined;
  private idle: NodeJS.Timeout | undefined;

  /** @param path the PATH that the shell gets */
  constructor(private readonly path: string) {}

  /** Returns what ends the guard of this group: it has ended. */
  add(pid: number): () => void {
    clearTimeout(this.idle);
    this.groups.add(pid);
    if (this.shell) this.tell(`add ${pid}`);
    else this.start();
    return () => this.drop(pid);
  }

  private drop(pid: number): void {
    if (!this.groups.delete(pid)) return;
    this.tell(`drop ${pid}`);
    if (this.groups.size > 0) return;
    this.idle = setTimeout(() => {
      this.shell?.stdin?.end();
      this.shell = undefined;
    }, IDLE_MS).unref();
  }

  private start(): void {
    const shell = spawn('/bin/sh', ['-c', GUARD], {
      env: { PATH: this.path },
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.shell = shell;
    // Without it a clone continues as well, and its time limits still hold.
    shell.on('error', () => undefined);
    shell.stdin.on('error', () => undefined);
    shell.once('exit', () => {
      if (this.shell !== shell) return;
      this.shell = undefined;
      if (this.groups.size > 0) this.start();
    });
    shell.unref();
    (shell.stdin as unknown as { unref(): void }).unref();
    for (const pid of this.groups) this.tell(`add ${pid}`);
  }

  private tell(line: string): void {
    this.shell?.stdin?.write(`${line}\n`);
  }
}
