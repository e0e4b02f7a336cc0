import { createHash } from 'node:crypto';
import { uuidV7 } from '../common/ids/uuid.js';
import type { AuditActor, AuditDetails, AuditEntry, AuditTarget } from '../common/audit/audit.js';
import type { AuditOutcome } from '../common/audit/audit-actions.js';
import { canonicalJson } from '../engine/compiler/hash-plan.js';

/** Of the form of a record, so that later ones can have another. */
const FORM = 1;
/** A text of a record is no longer. */
const MAX_TEXT = 200;
const MAX_DETAILS = 12;

/** What is kept, before it has a place in the chain. */
export interface AuditDraft {
  readonly form: number;
  /** UUIDv7. The same draft is never stored twice. */
  readonly id: string;
  readonly at: Date;
  readonly actor: AuditActor;
  readonly client: string;
  readonly requestId: string;
  readonly action: string;
  readonly target: AuditTarget | null;
  readonly outcome: AuditOutcome;
  readonly reason: string;
  readonly details: AuditDetails;
}

/** A record as it is stored, and never changed. */
export interface AuditRecord extends AuditDraft {
  /** From 1, without a gap. */
  readonly seq: number;
  /** Hash of the record before. */
  readonly prev: string;
  readonly hash: string;
}

/** A place in the chain, to which the next record is linked. */
export type ChainEnd = Pick<AuditRecord, 'seq' | 'hash'>;

/** Before the first record. */
export const CHAIN_START: ChainEnd = { seq: 0, hash: '0'.repeat(64) };

export function auditDraft(entry: AuditEntry): AuditDraft {
  const { action, actor, target, outcome = 'success', reason = '', details = {} } = entry;
  return {
    form: FORM,
    id: uuidV7(),
    at: entry.at ?? new Date(),
    actor: {
      kind: actor.kind,
      id: short(actor.id),
      name: short(actor.name),
      credential: short(actor.credential),
    },
    client: short(entry.client ?? ''),
    requestId: short(entry.requestId ?? ''),
    action,
    target:
      target === undefined
        ? null
        : { kind: target.kind, id: short(target.id), name: short(target.name) },
    outcome,
    reason: short(reason),
    details: shortDetails(details),
  };
}

/** Drafts as the records that follow `end`. */
export function linked(end: ChainEnd, drafts: readonly AuditDraft[]): AuditRecord[] {
  let { seq, hash } = end;
  return drafts.map((draft) => {
    const unhashed = { ...draft, seq: seq + 1, prev: hash };
    ({ seq } = unhashed);
    hash = recordHash(unhashed);
    return { ...unhashed, hash };
  });
}

/** The record as the API gives it, without its hash; the hash is that of its canonical JSON. */
export function wireForm(record: Omit<AuditRecord, 'hash'>) {
  const { seq, form, id, at, actor, client, requestId, action } = record;
  const { target, outcome, reason, details, prev } = record;
  return {
    seq,
    form,
    id,
    at: at.toISOString(),
    actor,
    client,
    request_id: requestId,
    action,
    target,
    outcome,
    reason,
    details,
    prev,
  };
}

export function recordHash(record: Omit<AuditRecord, 'hash'>): string {
  return createHash('sha256')
    .update(canonicalJson(wireForm(record)), 'utf8')
    .digest('hex');
}

function shortDetails(details: AuditDetails): AuditDetails {
  const entries = Object.entries(details).slice(0, MAX_DETAILS);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? short(value) : value]),
  );
}

/** Half a character at the cut would not survive a database. */
function short(text: string): string {
  return text.slice(0, MAX_TEXT).toWellFormed();
}
