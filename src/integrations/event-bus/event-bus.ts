/**
 * Consecutive log lines of an execution as they travel to live readers: one entry for each flush of
 * the writer.
 */
export interface LiveLogEntry {
  /** Fence of the execution attempt that wrote it. */
  readonly fence: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Opaque here; `logs/store/log-encoding.ts` has the form. */
  readonly payload: Buffer;
}

/** The state of a running execution as its worker last told it. */
export interface LiveState {
  readonly fence: number;
  /** JSON; opaque here. */
  readonly state: string;
}

/**
 * Topic that hints at news of one execution: `log` new entries, `stored:<line>` the log store has
 * more of the log, `state` a new state, `end` or `end:<text>` the database has all of it, `resync`
 * (on every topic) look again.
 */
export function liveTopic(executionId: string): string {
  return `live.${executionId}`;
}

/** The hint of an end. `text` is opaque here; one of over 65,536 characters is left out. */
export function endHint(text: string | undefined): string {
  return text === undefined || text.length > 65_536 ? 'end' : `end:${text}`;
}

/** Whether a hint is that of an end. */
export function isEndHint(hint: string): boolean {
  return hint === 'end' || hint.startsWith('end:');
}

/** The text of such a hint; `undefined`: it is another one, or has none. */
export function endTextOf(hint: string): string | undefined {
  return hint.startsWith('end:') ? hint.slice(4) : undefined;
}

/** What live data that nobody refreshes or ends lives at most. */
export const LIVE_TTL_MS = 3_600_000;

/**
 * Port: what is live of running executions. It may be emptied at any time without loss: the truth
 * is in the database.
 *
 * All methods may be called concurrently; those of one execution take effect in the order of their
 * calls. They reject when the bus is away (at once) or hangs (after 2 s); whether the call took
 * effect is then unknown. No method needs an abort. Two adapters: Redis, and memory for tests and
 * for a run without a server.
 */
export abstract class EventBus {
  /**
   * Appends to the live log, drops its entries that end before `keepFromSeq`, and publishes the
   * hint `log`. Idempotent: an entry that does not end behind all that are there is `refused`, so a
   * repeated call adds nothing, and neither does an attempt that was superseded by one with higher
   * numbers.
   */
  abstract appendLog(
    executionId: string,
    entry: LiveLogEntry,
    keepFromSeq: number,
  ): Promise<'appended' | 'refused'>;

  /**
   * Entries, at most `limit`, in order, that hold lines behind `afterSeq`; of the first one perhaps
   * only the end.
   */
  abstract readLog(executionId: string, afterSeq: number, limit: number): Promise<LiveLogEntry[]>;

  /**
   * Entries, at most `limit`, the newest first, of those that end with line `upToSeq` or before it;
   * `Infinity`: of all.
   */
  abstract readNewestLog(
    executionId: string,
    upToSeq: number,
    limit: number,
  ): Promise<LiveLogEntry[]>;

  /**
   * Replaces the live state and publishes the hint `state`; `superseded` when a higher fence has
   * written. Idempotent.
   */
  abstract putState(
    executionId: string,
    fence: number,
    state: string,
  ): Promise<'stored' | 'superseded'>;

  abstract getState(executionId: string): Promise<LiveState | undefined>;

  /**
   * Lets log and state go in `keepMs` and publishes the hint `end`, with a text for live readers if
   * there is one. Call it when the database has both. Idempotent.
   */
  abstract endLive(executionId: string, keepMs: number, text?: string): Promise<void>;

  /** Sends a hint to all subscribers of `topic` everywhere; may be lost. */
  abstract publish(topic: string, message: string): Promise<void>;

  /**
   * Hears `topic` until the returned function is called (idempotent). Never rejects and never ends
   * by itself. The listener also gets `resync` each time when the subscription (again) stands: what
   * came before may have been missed.
   */
  abstract subscribe(topic: string, listener: (message: string) => void): () => void;
}
