import { Injectable } from '@nestjs/common';
import { CHAIN_START, recordHash, type AuditRecord, type ChainEnd } from './audit-record.js';
import { AuditStore } from './audit-store.js';

const PAGE = 500;

/**
 * `missing`: there is no record of this number. `changed`: it is not what it was when it was
 * stored. `unlinked`: it is as it was stored, but not behind the record before it.
 */
export type BreakKind = 'missing' | 'changed' | 'unlinked';

export interface ChainBreak {
  readonly seq: number;
  readonly kind: BreakKind;
}

export interface Verification {
  /** Undefined: every record that was looked at is as it was stored. */
  readonly firstBreak?: ChainBreak;
  /** Records that were looked at, and hold. */
  readonly checked: number;
  /** Where it began: the record before the first that was looked at. */
  readonly from: ChainEnd;
  /** The last record that holds. */
  readonly last: ChainEnd;
  /** False: more follow, which a next look begins with at `last`. */
  readonly isComplete: boolean;
}

/** Looks whether the chain is whole. */
@Injectable()
export class AuditVerifier {
  constructor(private readonly store: AuditStore) {}

  /**
   * @param since a record that was seen before: it must be there still, with the same hash.
   *   Default: from where the chain begins, behind what retention has removed
   * @param limit looks at no more records
   */
  async verify(limit: number, since?: ChainEnd): Promise<Verification> {
    const from = since ?? (await this.store.anchor()) ?? CHAIN_START;
    const firstBreak = since && (await this.breakAt(since));
    if (firstBreak) return { firstBreak, checked: 0, from, last: from, isComplete: true };
    let last = from;
    let checked = 0;
    while (checked < limit) {
      const page = await this.store.following(last.seq, Math.min(PAGE, limit - checked));
      for (const record of page) {
        const broken = breakBehind(last, record);
        if (broken) return { firstBreak: broken, checked, from, last, isComplete: true };
        last = { seq: record.seq, hash: record.hash };
        checked += 1;
      }
      if (page.length === 0) return { checked, from, last, isComplete: true };
    }
    return { checked, from, last, isComplete: false };
  }

  private async breakAt({ seq, hash }: ChainEnd): Promise<ChainBreak | undefined> {
    const anchor = (await this.store.anchor()) ?? CHAIN_START;
    if (anchor.seq === seq) return anchor.hash === hash ? undefined : { seq, kind: 'changed' };
    const [record] = await this.store.following(seq - 1, 1);
    if (record?.seq !== seq) return { seq, kind: 'missing' };
    return record.hash === hash && recordHash(record) === hash
      ? undefined
      : { seq, kind: 'changed' };
  }
}

/** What is wrong with a record that follows `last`. */
export function breakBehind(last: ChainEnd, record: AuditRecord): ChainBreak | undefined {
  const seq = last.seq + 1;
  if (record.seq !== seq) return { seq, kind: 'missing' };
  if (recordHash(record) !== record.hash) return { seq, kind: 'changed' };
  return record.prev === last.hash ? undefined : { seq, kind: 'unlinked' };
}
