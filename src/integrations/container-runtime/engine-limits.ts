/** Numbers of limits as the kernel and runtimes name them; see getrlimit(2). */
const NAMES: ReadonlyMap<string, LimitName> = new Map([
  ['6', 'nproc'],
  ['7', 'nofile'],
]);
/** What is asked for first; engines have defaults of `nofile` from 1,024 to a thousand million. */
const MOST = 1_048_576;
const LEAST = 1_024;

type LimitName = 'nofile' | 'nproc';

export interface Ulimit {
  readonly Name: LimitName;
  readonly Soft: number;
  readonly Hard: number;
}

/**
 * Open files of a container, soft and hard. An engine that may not raise its own limits refuses
 * what is above them, and does not tell them: it is asked for a quarter until it agrees. Podman
 * asks for as many processes of a user by itself; those are ours to say once it is refused that.
 */
export class EngineLimits {
  private readonly values = new Map<LimitName, number>([['nofile', MOST]]);

  get ulimits(): readonly Ulimit[] {
    return [...this.values].map(([Name, value]) => ({ Name, Soft: value, Hard: value }));
  }

  /**
   * Whether it was one of `asked` that the engine refused with these words, and less can be asked.
   */
  lower(message: string, asked: readonly Ulimit[]): boolean {
    const [, number = ''] = /rlimit type (\d+)/i.exec(message) ?? [];
    const name = NAMES.get(number);
    if (name === undefined) return false;
    const refused = asked.find(({ Name }) => Name === name)?.Hard ?? MOST;
    if (refused / 4 < LEAST) return false;
    this.values.set(name, Math.min(this.values.get(name) ?? MOST, refused / 4));
    return true;
  }
}
