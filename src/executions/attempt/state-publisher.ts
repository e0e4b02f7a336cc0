import type { RunState } from '../../engine/plan/run-state.js';
import { type Progress, type TriggerInfo, triggerOfCloned } from '../record/execution.schema.js';
import { storedRun } from '../record/stored-state.js';

export interface StateStores {
  /** At once, for live readers. */
  publishLive(progress: Progress): Promise<void>;
  /** A few times a second. Resolves with false when the execution was taken from this attempt. */
  record(progress: Progress): Promise<boolean>;
  /** The execution is not this attempt's any more. Called once. */
  fenced(): void;
}

const RECORD_INTERVAL_MS = 400;
/**
 * A change is published at once, unless another was just before: a state is whole, and short steps
 * would tell it twice each.
 */
const LIVE_INTERVAL_MS = 25;

/**
 * Hands the newest state on: to live readers at once, or within 25 ms of the one before, to the
 * database a few times a second. States in between are left out, never reordered, and at most one
 * write to each place is under way.
 */
export class StatePublisher {
  private latest: RunState | undefined;
  private live: Promise<void> | undefined;
  private nextTelling: NodeJS.Timeout | undefined;
  private toldLive: RunState | undefined;
  private recording: Promise<void> | undefined;
  private recorded: RunState | undefined;
  private timer: NodeJS.Timeout | undefined;
  private ended = false;

  constructor(
    private readonly trigger: TriggerInfo,
    private readonly stores: StateStores,
    private readonly onProblem: (where: 'live' | 'database', error: unknown) => void,
  ) {}

  push(state: RunState): void {
    this.latest = state;
    if (!this.live && !this.nextTelling) this.live = this.tell();
    this.timer ??= setTimeout(() => this.startRecording(), RECORD_INTERVAL_MS);
  }

  /** No state follows; resolves when no write is under way any more. */
  async end(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    clearTimeout(this.nextTelling);
    await Promise.all([this.live, this.recording]);
  }

  private async tell(): Promise<void> {
    // States of one moment are published as one.
    await Promise.resolve();
    const state = this.latest;
    if (state && !this.ended) {
      this.toldLive = state;
      try {
        await this.stores.publishLive(progressOf(state, this.trigger));
      } catch (error) {
        this.onProblem('live', error);
      }
    }
    this.live = undefined;
    if (!this.ended) this.nextTelling = setTimeout(() => this.publishNext(), LIVE_INTERVAL_MS);
  }

  private publishNext(): void {
    this.nextTelling = undefined;
    if (this.latest !== this.toldLive) this.live = this.tell();
  }

  private startRecording(): void {
    this.recording = this.recordOnce();
  }

  private async recordOnce(): Promise<void> {
    const state = this.latest;
    try {
      if (state && state !== this.recorded) {
        if (!(await this.stores.record(progressOf(state, this.trigger)))) {
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

/** A state as it is published. */
export function progressOf(state: RunState, trigger: TriggerInfo): Progress {
  return {
    ...storedRun(state),
    trigger_info: triggerOfCloned(trigger, state.cloned),
    started_at: state.startedAt === undefined ? null : new Date(state.startedAt),
  };
}
