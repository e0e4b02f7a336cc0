import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { within } from '../common/async/within.js';
import { Audit, SYSTEM_ACTOR, type AuditEntry } from '../common/audit/audit.js';
import { serviceUnavailable } from '../common/errors/millrace.error.js';
import {
  isDatabaseUnavailable,
  isWriteConflict,
} from '../integrations/database/database-errors.js';
import {
  auditDraft,
  linked,
  type AuditDraft,
  type AuditRecord,
  type ChainEnd,
} from './audit-record.js';
import { AuditStore } from './audit-store.js';

/** Records of one write. */
const BATCH = 200;
/** Records that are noted wait so long for others, so that many are one write. */
const GATHER_MS = 200;
/** Records that wait at most, some 10 MB; those beyond are lost, and counted. */
const MAX_WAITING = 10_000;
/** A request waits for its record as long as this. */
const RECORD_MS = 3_000;
/** The end of the process waits for all records as long as this. */
const FLUSH_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;

interface Waiting {
  readonly draft: AuditDraft;
  /** Of those that somebody waits for. */
  readonly stored?: () => void;
  readonly failed?: (error: unknown) => void;
}

/**
 * The one writer of a process: takes the entries in their order, and links it to the chain. Other
 * processes do the same; a number that one of them took first is taken by nobody else, and what
 * stood under it is linked again behind the new end.
 */
@Injectable()
export class AuditLog extends Audit implements OnApplicationShutdown {
  private readonly logger = new Logger('Audit');
  /** Outside the context of any request: one write serves many requests. */
  private readonly outside = AsyncLocalStorage.snapshot();
  private readonly waiting: Waiting[] = [];
  private awaited = 0;
  private lost = 0;
  private round: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** The end of the chain, as far as this process knows. */
  private chainEnd: ChainEnd | undefined;
  /** The end of the chain before a write whose result is not known. */
  private endBeforeUnsureWrite: ChainEnd | undefined;
  /** The process ends: nothing is tried again. */
  private isStopping = false;

  constructor(private readonly store: AuditStore) {
    super();
  }

  async record(entry: AuditEntry): Promise<void> {
    if (this.isFull) {
      this.lose(1);
      throw auditFailure('It was done, but there is no audit record of it: too many wait.');
    }
    this.awaited += 1;
    const stored = new Promise<void>((resolve, reject) => {
      this.waiting.push({ draft: auditDraft(entry), stored: resolve, failed: reject });
    });
    this.begin();
    await within(RECORD_MS, stored, () => {
      throw auditFailure('It was done, but its audit record is not stored yet.');
    });
  }

  note(entry: AuditEntry): void {
    if (this.isFull) {
      this.lose(1);
      return;
    }
    this.waiting.push({ draft: auditDraft(entry) });
    if (this.waiting.length >= BATCH) this.begin();
    else this.beginSoon();
  }

  /** All that was taken is stored, or `FLUSH_MS` are over. */
  async flush(): Promise<void> {
    const until = performance.now() + FLUSH_MS;
    while (this.waiting.length > 0 || this.round !== undefined) {
      const ms = until - performance.now();
      if (ms <= 0) return;
      this.begin();
      await within(ms, this.round ?? Promise.resolve(), () => undefined);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.flush();
    this.isStopping = true;
    clearTimeout(this.timer);
    const count = this.waiting.length + this.lost;
    if (count > 0) this.logger.error({ count }, 'audit records are lost with this process');
  }

  private get isFull(): boolean {
    return this.waiting.length >= MAX_WAITING;
  }

  private beginSoon(): void {
    if (this.round !== undefined || this.timer !== undefined || this.isStopping) return;
    this.timer = this.outside(() => setTimeout(() => this.begin(), GATHER_MS).unref());
  }

  private begin(): void {
    if (this.round !== undefined || this.isStopping) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.round = this.outside(() => this.storeWaiting()).finally(() => {
      this.round = undefined;
      if (this.awaited > 0) this.begin();
      else if (this.waiting.length > 0) this.beginSoon();
    });
  }

  /** Never rejects. */
  private async storeWaiting(): Promise<void> {
    do {
      const batch = this.waiting.slice(0, BATCH);
      if (batch.length === 0) return;
      try {
        await this.storeAll(batch.map(({ draft }) => draft));
        this.leave(batch, ({ stored }) => stored?.());
        this.recordLost();
      } catch (error) {
        // What the database refuses, it refuses again: the others must not wait behind it.
        this.logger.error({ err: error, count: batch.length }, 'audit records cannot be stored');
        if (this.isStopping) return;
        this.lose(batch.length);
        this.leave(batch, ({ failed }) => failed?.(error));
      }
    } while (this.awaited > 0 || this.waiting.length >= BATCH);
  }

  private leave(batch: readonly Waiting[], tell: (waiting: Waiting) => void): void {
    this.waiting.splice(0, batch.length);
    for (const each of batch) {
      if (each.stored !== undefined) this.awaited -= 1;
      tell(each);
    }
  }

  private lose(count: number): void {
    if (this.lost === 0) this.logger.error('audit records are lost; a record will say how many');
    this.lost += count;
  }

  private recordLost(): void {
    if (this.lost === 0) return;
    const details = { records: this.lost };
    this.lost = 0;
    this.note({ action: 'audit.lost', actor: SYSTEM_ACTOR, outcome: 'failed', details });
  }

  /** @throws what the store throws for good, and whatever it throws at the end of the process */
  private async storeAll(drafts: readonly AuditDraft[]): Promise<void> {
    let left = drafts;
    for (let pauseMs = FIRST_PAUSE_MS; left.length > 0;) {
      try {
        left = await this.storeSome(left);
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        const isPassing = isDatabaseUnavailable(error) || isWriteConflict(error);
        if (!isPassing || this.isStopping) throw error;
        const ms = pauseMs * (0.5 + Math.random());
        await new Promise((resolve) => setTimeout(resolve, ms));
        pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
      }
    }
  }

  /** Tries once, and gives what is left to be tried again. */
  private async storeSome(drafts: readonly AuditDraft[]): Promise<readonly AuditDraft[]> {
    const left =
      this.endBeforeUnsureWrite === undefined ? drafts : await this.withoutStored(drafts);
    if (left.length === 0) return [];
    const before = (this.chainEnd ??= await this.store.end());
    const piece = linked(before, left);
    this.endBeforeUnsureWrite = before;
    if ((await this.store.append(piece)) === 'taken') return left;
    this.endBeforeUnsureWrite = undefined;
    this.chainEnd = piece.at(-1);
    return [];
  }

  /**
   * Reads what was stored of a write that met a taken number, or had no answer, and finds the new
   * end of the chain. A part of that write may still arrive. It then meets a number that is taken
   * by now, or is exactly what is written again.
   */
  private async withoutStored(drafts: readonly AuditDraft[]): Promise<readonly AuditDraft[]> {
    const before = this.endBeforeUnsureWrite;
    if (before === undefined) return drafts;
    const there = await this.allFollowing(before.seq);
    this.chainEnd = there.at(-1) ?? before;
    this.endBeforeUnsureWrite = undefined;
    const ids = new Set(there.map(({ id }) => id));
    return drafts.filter(({ id }) => !ids.has(id));
  }

  private async allFollowing(seq: number): Promise<AuditRecord[]> {
    const all: AuditRecord[] = [];
    for (;;) {
      const page = await this.store.following(all.at(-1)?.seq ?? seq, BATCH);
      all.push(...page);
      if (page.length < BATCH) return all;
    }
  }
}

function auditFailure(message: string): Error {
  return serviceUnavailable(message, {
    details: { code: 'audit_not_stored' },
    suggestions: ['Read the current state before you send the request again.'],
  });
}
