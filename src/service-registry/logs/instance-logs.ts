import type { Reason } from '../../engine/plan/run-state.js';

/** What the instance that serves has said. */
export interface InstanceLog {
  /** Number of the release that serves. */
  readonly release: number;
  /** The last ones, the oldest first; secrets of the release are masked. */
  readonly lines: readonly string[];
}

export type AnsweredLog =
  | { readonly kind: 'log'; readonly log: InstanceLog }
  /** It cannot be read here. */
  | { readonly kind: 'none'; readonly reason: Reason };

/**
 * Port: reads what instances of this host have said. Whoever deploys implements it, for the workers
 * of the host. Rejects when the record is away.
 */
export abstract class InstanceLogs {
  /** @param lines at most; of more than 256 KiB the last ones */
  abstract last(serviceId: string, lines: number): Promise<AnsweredLog>;
}
