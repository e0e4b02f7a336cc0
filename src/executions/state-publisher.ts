import type { RunState } from '../engine/plan/run-state.js';
import { type StoredRun, storedRun } from './stored-state.js';

/** The state as it is stored while the execution runs. */
export interface Progress extends StoredRun {
  readonly started_at: Date | null;
}

export interface StateStores {
  /** At once, for live readers. */
  tellLive(progress: Progress): Promise<void>;
  /** A few times a second. Resolves with false when the execution was taken from this attempt. */
  record(progress: Progress): Promise<boolean>;
  /** The execution is not this attempt's any more. Called once. */
  fenced(): void;
}

const RECORD_INTERVAL_MS = 400;

/**
 * Hands the newest state on: to live readers as fast as they take it, to the database a few times a second. States in
 * between are left out, never reordered, and at most one write to each place is under way.
 */
export class StatePublisher {
  private latest: RunState | undefined;
  private live: Promise<void> | undefined;
  private toldLive: RunState | undefined;
  private recording: Promise<void> | undefined;
  private recorded: RunState | undefined;
  private timer: NodeJS.Timeout | undefined;
  private ended = false;

  constructor(
    private readonly stores: StateStores,
    private readonly onProblem: (where: 'live' | 'database', error: unknown) => void,
  ) {}

  push(state: RunState): void {
    this.latest = state;
    this.live ??= this.tellWhileNew();
    this.timer ??= setTimeout(() => this.startRecording(), RECORD_INTERVAL_MS);
  }

  /** No state follows; resolves when no write is under way any more. */
  async end(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    await Promise.all([this.live, this.recording]);
  }

  private async tellWhileNew(): Promise<void> {
    // States of one moment are told as one.
    await Promise.resolve();
    while (!this.ended && this.latest && this.latest !== this.toldLive) {
      const state = this.latest;
      this.toldLive = state;
      try {
        await this.stores.tellLive(progressOf(state));
      } catch (error) {
        this.onProblem('live', error);
      }
    }
    this.live = undefined;
  }

  private startRecording(): void {
    this.recording = this.recordOnce();
  }

  private async recordOnce(): Promise<void> {
    const state = this.latest;
    try {
      if (state && state !== this.recorded) {
        if (!(await this.stores.record(progressOf(state)))) {
          this.ended = true;
          this.stores.fenced();
          return;
        }
        this.recorded = state;
      }
    } catch (error) {
      this.onProblem('database', error);
    }
    const isNewest = this.latest === this.recorded;
    this.timer =
      this.ended || isNewest
        ? undefined
        : setTimeout(() => this.startRecording(), RECORD_INTERVAL_MS);
  }
}

function progressOf(state: RunState): Progress {
  return {
    ...storedRun(state),
    started_at: state.startedAt === undefined ? null : new Date(state.startedAt),
  };
}
