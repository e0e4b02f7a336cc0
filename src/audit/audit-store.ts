import type { Page } from '../common/http/paging.js';
import type { AuditAction, AuditOutcome } from '../common/audit/audit-actions.js';
import type { AuditRecord, ChainEnd } from './audit-record.js';

/** What is absent is not asked for. */
export interface AuditFilter {
  /** Id or name. */
  readonly actor?: string;
  readonly action?: AuditAction;
  /** Id or name. */
  readonly target?: string;
  readonly outcome?: AuditOutcome;
  readonly from?: Date;
  readonly to?: Date;
}

/**
 * Port: where records are kept. All methods may be called concurrently and from several processes,
 * and reject when the store is away; the outcome of a write is then unknown. Two adapters: the
 * database and memory.
 */
export abstract class AuditStore {
  /** The newest record, or else where the removed ones ended, or else `CHAIN_START`. */
  abstract end(): Promise<ChainEnd>;

  /**
   * Stores consecutive records one by one, in their order. `taken`: one of their numbers belongs to
   * a record; those before it are stored by then, and none behind it.
   */
  abstract append(records: readonly AuditRecord[]): Promise<'stored' | 'taken'>;

  /** Records behind a number, in the order of the chain. */
  abstract following(seq: number, limit: number): Promise<AuditRecord[]>;

  /** Newest first. `before`: only records with a smaller number. */
  abstract search(
    filter: AuditFilter,
    page: { readonly limit: number; readonly before?: number },
  ): Promise<Page<AuditRecord>>;

  /** The last record that was removed; the chain continues from it. */
  abstract anchor(): Promise<ChainEnd | undefined>;

  /** Number of the first record that is not older than `time`. */
  abstract firstSince(time: Date): Promise<number | undefined>;

  /**
   * Removes all records up to `end`, which becomes the anchor before. An anchor behind it stays.
   * @returns whether this call has moved the anchor
   */
  abstract removeUpTo(end: ChainEnd): Promise<boolean>;
}
