import { abortedError, type CloneOptions } from './clone-session.js';

/** Lets so many clones run at one time; the others wait, first come, first served. */
export class CloneSlots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(count: number) {
    this.free = count;
  }

  /** The time that a clone waits does not count for its deadline. @throws GitError `aborted` */
  async run<T>(options: CloneOptions, work: () => Promise<T>): Promise<T> {
    await this.take(options);
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }

  private async take({ signal, progress }: CloneOptions): Promise<void> {
    if (signal.aborted) throw abortedError();
    if (this.free > 0) {
      this.free -= 1;
      return;
    }
    progress('Waiting: as many clones as may run at one time are running');
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(turn), 1);
        reject(abortedError());
      };
      this.waiting.push(turn);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
