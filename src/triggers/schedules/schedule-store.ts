/** The time at which a schedule starts its pipeline, and what was decided about it. */
export interface Tick {
  /** Of schedule and instant, so that there is one, whoever decides it. */
  readonly id: string;
  readonly scheduleId: string;
  readonly pipelineId: string;
  readonly at: Date;
  readonly decidedAt: Date;
  readonly starts: boolean;
  readonly reason: TickReason;
  /** Of the version that it starts. */
  readonly version: number;
  /** Chosen before it is started, so that it is started once. Null: nothing starts. */
  readonly executionId: string | null;
}

export interface TickReason {
  readonly code: string;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** How far a schedule is. */
export interface ScheduleState {
  readonly id: string;
  readonly pipelineId: string;
  /** All ticks up to it are decided. */
  readonly since: Date;
  /** Null: none has come yet. */
  readonly last: Tick | null;
}

export function tickId(scheduleId: string, at: Date): string {
  return `${scheduleId}:${at.toISOString()}`;
}

/**
 * Port: where schedules and their ticks are kept. All methods may be called concurrently and from
 * several processes, are idempotent, and reject when the store is away. Two adapters: the database
 * and memory.
 */
export abstract class ScheduleStore {
  abstract all(): Promise<ScheduleState[]>;

  abstract ofPipeline(pipelineId: string): Promise<ScheduleState[]>;

  /** Puts a schedule there that is not there yet. */
  abstract begin(schedule: Pick<ScheduleState, 'id' | 'pipelineId' | 'since'>): Promise<void>;

  /** Its ticks stay. */
  abstract end(scheduleIds: readonly string[]): Promise<void>;

  /**
   * Stores what was decided about a tick unless it is decided already, and that its schedule is
   * that far. Answers what is stored: what came first counts.
   */
  abstract decide(tick: Tick): Promise<Tick>;

  /** Those that start something and are not started yet, the oldest first. */
  abstract open(limit: number): Promise<Tick[]>;

  abstract started(tickId: string): Promise<void>;

  /** Ticks that were decided before a time, and are not open. */
  abstract removeBefore(time: Date): Promise<void>;
}
