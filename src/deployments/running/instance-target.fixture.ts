import type { PlacedRelease, ReleaseRunner } from '../targets/deploy-target.js';
import { MemoryTarget } from './memory-target.fixture.js';

/** Knows which instances run, and to which one new requests go. */
export class InstanceTarget extends MemoryTarget {
  readonly running = new Set<number>([0]);
  serves: number | undefined = 0;
  private ready: number | undefined;
  override readonly runner: ReleaseRunner = {
    start: ({ instance = 0 }) => {
      this.fails.get('start')?.();
      this.running.add(instance);
      return Promise.resolve();
    },
    gate: async () => this.fails.get('gate')?.(),
    closed: () => {
      this.fails.get('closed')?.();
      this.serves = undefined;
      this.current = undefined;
      return Promise.resolve();
    },
    stop: ({ instance = 0 }) => {
      this.fails.get('stop')?.();
      if (instance === this.serves) throw new Error('it serves');
      this.running.delete(instance);
      return Promise.resolve();
    },
    instanceServing: () => Promise.resolve(this.serves),
    probe: () => Promise.resolve({ hasEnded: false, restarts: 0 }),
    answer: () => Promise.resolve(undefined),
    before: () => 'migrate',
    warnings: () => Promise.resolve([]),
    runBefore: () => Promise.reject(new Error('it has done that')),
    drainMs: () => 10_000,
    keepAssetsMs: () => 0,
    watchMs: () => 60_000,
  };

  override arm(release: PlacedRelease, token: string): Promise<void> {
    this.ready = release.instance ?? 0;
    return super.arm(release, token);
  }
  override async switchTo(release: PlacedRelease, token: string): Promise<void> {
    try {
      await super.switchTo(release, token);
    } finally {
      if (this.armed === undefined) this.serves = this.ready;
    }
  }
}
