import { pageOf, type Page } from '../common/http/paging.js';
import { CHAIN_START, type AuditRecord, type ChainEnd } from './audit-record.js';
import { AuditStore, type AuditFilter } from './audit-store.js';

/** For specs. They may change `records` as somebody with rights in the database could. */
export class MemoryAuditStore extends AuditStore {
  readonly records = new Map<number, AuditRecord>();
  private removedUpTo: ChainEnd | undefined;

  async end(): Promise<ChainEnd> {
    return this.sorted().at(-1) ?? this.removedUpTo ?? CHAIN_START;
  }

  async append(records: readonly AuditRecord[]): Promise<'stored' | 'taken'> {
    for (const record of records) {
      if (this.records.has(record.seq)) return 'taken';
      this.records.set(record.seq, record);
    }
    return 'stored';
  }

  async following(seq: number, limit: number): Promise<AuditRecord[]> {
    return this.sorted()
      .filter((record) => record.seq > seq)
      .slice(0, limit);
  }

  async search(
    filter: AuditFilter,
    { limit, before }: { readonly limit: number; readonly before?: number },
  ): Promise<Page<AuditRecord>> {
    const rows = this.sorted()
      .reverse()
      .filter(({ seq }) => before === undefined || seq < before)
      .filter((record) => isMeant(record, filter));
    return pageOf(rows.slice(0, limit + 1), limit, ({ seq }) => String(seq));
  }

  async anchor(): Promise<ChainEnd | undefined> {
    return this.removedUpTo;
  }

  async firstSince(time: Date): Promise<number | undefined> {
    return this.sorted().find(({ at }) => at >= time)?.seq;
  }

  async removeUpTo({ seq, hash }: ChainEnd): Promise<boolean> {
    const moves = seq > (this.removedUpTo?.seq ?? 0);
    if (moves) this.removedUpTo = { seq, hash };
    for (const number of this.records.keys()) if (number <= seq) this.records.delete(number);
    return moves;
  }

  private sorted(): AuditRecord[] {
    return [...this.records.values()].sort((a, b) => a.seq - b.seq);
  }
}

function isMeant({ actor, action, target, outcome, at }: AuditRecord, asked: AuditFilter): boolean {
  return (
    (asked.actor === undefined || [actor.id, actor.name].includes(asked.actor)) &&
    (asked.action === undefined || action === asked.action) &&
    (asked.target === undefined || [target?.id, target?.name].includes(asked.target)) &&
    (asked.outcome === undefined || outcome === asked.outcome) &&
    (asked.from === undefined || at >= asked.from) &&
    (asked.to === undefined || at <= asked.to)
  );
}
