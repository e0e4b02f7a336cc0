import { PeriodicTask } from '../../common/async/periodic-task.js';
import { messageOf } from '../../common/values/error-message.js';
import { ContainerSupport } from './container-support.js';
import { absentParts, type EngineParts } from './engine-parts.js';

export type EngineProof =
  | {
      readonly kind: 'fit';
      /** As `ping` gave it when the proof began. */
      readonly stamp: string;
      readonly support: ContainerSupport;
      /** The earlier runtime where the engine is the same. */
      readonly parts: EngineParts;
    }
  /** `away`: nothing answers. `unfit`: an engine does, and steps cannot run on it. */
  | { readonly kind: 'away' | 'unfit'; readonly reason: string };

/** How an engine is looked for: `EngineProver`, and a fake in specs. */
export interface EngineProbe {
  /** The whole proof, which takes a second or so. Never rejects. */
  prove(): Promise<EngineProof>;
  /**
   * Costs next to nothing.
   *
   * @returns another text once another engine is there, or it was started again
   * @throws EngineAwayError
   */
  ping(): Promise<string>;
}

export interface EngineWatchOptions {
  /** Between two looks, ms, a quarter more or less. Default: 10,000. */
  readonly everyMs?: number;
  /**
   * What is done each time that an engine was proved, before steps are run on it: what a dead
   * process left is removed. Where it rejects, the engine counts as away until the next look.
   */
  readonly prepare?: (parts: EngineParts) => Promise<void>;
}

const EVERY_MS = 10_000;
/** A look that has ended so short a time ago is as good as another one, ms. */
const FRESH_MS = 200;

/**
 * Which container engine this worker has, as it was found last: looks for one again and again, and
 * whether the one that it has is still there.
 *
 * While an engine is away, `support` says why, and `parts` stay as they were: what runs on it
 * ends by their rules. One that is begun again is proved again, and another one is new.
 */
export class EngineWatch {
  private found = ContainerSupport.none('no container engine was looked for');
  private foundParts = absentParts('no container engine was looked for');
  private isKnown = false;
  private wasThere = false;
  private stamp = '';
  private looking: Promise<void> | undefined;
  private refreshedAt = -Infinity;
  private readonly listeners: (() => void)[] = [];
  private readonly task: PeriodicTask;

  constructor(
    private readonly probe: EngineProbe,
    private readonly options: EngineWatchOptions = {},
  ) {
    const { everyMs = EVERY_MS } = options;
    this.task = new PeriodicTask(() => this.look(), { everyMs, unref: true });
  }

  get support(): ContainerSupport {
    return this.found;
  }

  get parts(): EngineParts {
    return this.foundParts;
  }

  /** True for good once an engine was there: files that a container may have had are about. */
  get hasEverBeenThere(): boolean {
    return this.wasThere;
  }

  /** Called behind each change of `support`. */
  whenChanged(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Looks again and again from now on; the first time after one period. */
  start(): void {
    this.task.start();
  }

  /** Resolves when a look that is under way has ended. */
  async stop(): Promise<void> {
    await this.task.stop();
    await this.looking;
  }

  /** Looks now; one of two at once is for both. Never rejects. */
  look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => {
      this.looking = undefined;
      this.refreshedAt = performance.now();
    });
    return this.looking;
  }

  /**
   * Somebody's call to the engine was not answered, or the engine went away with a container: looks
   * now where that is news.
   */
  suspect(): void {
    if (this.found.isThere && !this.task.isStopped) void this.look();
  }

  /** Whether steps in containers can be begun at this moment; asks the engine. Never rejects. */
  async isThereNow(): Promise<boolean> {
    if (!this.found.isThere) return false;
    if (performance.now() - this.refreshedAt > FRESH_MS) await this.look();
    return this.found.isThere;
  }

  private async lookOnce(): Promise<void> {
    if (this.found.isThere) {
      try {
        if ((await this.probe.ping()) === this.stamp) return;
      } catch (error) {
        this.become(ContainerSupport.none(messageOf(error)));
        return;
      }
    }
    await this.prove();
  }

  private async prove(): Promise<void> {
    const proof = await this.probe.prove();
    if (proof.kind !== 'fit') {
      const { reason } = proof;
      if (proof.kind === 'unfit') this.isKnown = false;
      if (!this.isKnown) this.foundParts = absentParts(reason);
      this.become(ContainerSupport.none(reason));
      return;
    }
    const { parts, support, stamp } = proof;
    try {
      await this.options.prepare?.(parts);
    } catch (error) {
      this.become(ContainerSupport.none(messageOf(error)));
      return;
    }
    this.isKnown = true;
    this.wasThere = true;
    this.foundParts = parts;
    this.stamp = stamp;
    this.become(support);
  }

  private become(support: ContainerSupport): void {
    if (support.equals(this.found)) return;
    this.found = support;
    for (const listener of this.listeners) listener();
  }
}
