import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Collection, Model, mongo } from 'mongoose';
import type { AuditActor, AuditDetails } from '../common/audit/audit.js';
import type { AuditOutcome } from '../common/audit/audit-actions.js';
import { pageOf, type Page } from '../common/http/paging.js';
import { isDuplicateKey } from '../integrations/database/database-errors.js';
import { databaseRetry } from '../integrations/database/database-retry.js';
import { CHAIN_START, type AuditRecord, type ChainEnd } from './audit-record.js';
import { AuditStore, type AuditFilter } from './audit-store.js';
import {
  AUDIT_ANCHOR_MODEL,
  AUDIT_RECORD_MODEL,
  type AuditAnchorDocument,
  type AuditRecordDocument,
} from './audit.schema.js';

const RETRY = { deadlineMs: 5_000 } as const;
const ANCHOR = 'anchor';

/** `audit_records` and `audit_anchors`. */
@Injectable()
export class AuditRepository extends AuditStore {
  /** The driver's collection: records are written many at once, and read as they are. */
  private readonly records: Collection<AuditRecordDocument>;

  constructor(
    @InjectModel(AUDIT_RECORD_MODEL) model: Model<AuditRecordDocument>,
    @InjectModel(AUDIT_ANCHOR_MODEL) private readonly anchors: Model<AuditAnchorDocument>,
  ) {
    super();
    this.records = model.db.collection<AuditRecordDocument>(model.collection.name);
  }

  async end(): Promise<ChainEnd> {
    const [last] = await databaseRetry(
      () => this.records.find({}).sort({ _id: -1 }).limit(1).toArray(),
      RETRY,
    );
    if (last !== undefined) return { seq: last._id, hash: last.hash };
    return (await this.anchor()) ?? CHAIN_START;
  }

  /** Sent once: whoever gets no answer reads what became of it. */
  async append(records: readonly AuditRecord[]): Promise<'stored' | 'taken'> {
    try {
      await this.records.insertMany(records.map(documentOf), { ordered: true });
      return 'stored';
    } catch (error) {
      if (isDuplicateKey(error)) return 'taken';
      throw error;
    }
  }

  async following(seq: number, limit: number): Promise<AuditRecord[]> {
    const rows = await databaseRetry(
      () =>
        this.records
          .find({ _id: { $gt: seq } })
          .sort({ _id: 1 })
          .limit(limit)
          .toArray(),
      RETRY,
    );
    return rows.map(recordOf);
  }

  async search(
    filter: AuditFilter,
    { limit, before }: { readonly limit: number; readonly before?: number },
  ): Promise<Page<AuditRecord>> {
    const rows = await databaseRetry(
      () =>
        this.records
          .find(conditions(filter, before))
          .sort({ _id: -1 })
          .limit(limit + 1)
          .toArray(),
      RETRY,
    );
    return pageOf(rows.map(recordOf), limit, ({ seq }) => String(seq));
  }

  async anchor(): Promise<ChainEnd | undefined> {
    const found = await databaseRetry(
      () => this.anchors.findById(ANCHOR).lean<AuditAnchorDocument>().exec(),
      RETRY,
    );
    return found === null ? undefined : { seq: found.seq, hash: found.hash };
  }

  async firstSince(time: Date): Promise<number | undefined> {
    const [first] = await databaseRetry(
      () =>
        this.records
          .find({ at: { $gte: time } })
          .sort({ _id: 1 })
          .limit(1)
          .toArray(),
      RETRY,
    );
    return first?._id;
  }

  async removeUpTo(end: ChainEnd): Promise<boolean> {
    const moved = await databaseRetry(() => this.moveAnchor(end), RETRY);
    await databaseRetry(() => this.records.deleteMany({ _id: { $lte: end.seq } }), RETRY);
    return moved;
  }

  private async moveAnchor({ seq, hash }: ChainEnd): Promise<boolean> {
    const anchor = { seq, hash, at: new Date() };
    const { matchedCount } = await this.anchors.updateOne(
      { _id: ANCHOR, seq: { $lt: seq } },
      { $set: anchor },
    );
    if (matchedCount === 1) return true;
    try {
      await this.anchors.insertOne({ _id: ANCHOR, ...anchor });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}

function conditions(
  { actor, action, target, outcome, from, to }: AuditFilter,
  before: number | undefined,
): mongo.Filter<AuditRecordDocument> {
  const eitherOf: mongo.Filter<AuditRecordDocument>[] = [];
  if (actor !== undefined) eitherOf.push({ $or: [{ actor_id: actor }, { actor_name: actor }] });
  if (target !== undefined) {
    eitherOf.push({ $or: [{ target_id: target }, { target_name: target }] });
  }
  return {
    ...(eitherOf.length > 0 && { $and: eitherOf }),
    ...(action !== undefined && { action }),
    ...(outcome !== undefined && { outcome }),
    ...((from !== undefined || to !== undefined) && {
      at: { ...(from !== undefined && { $gte: from }), ...(to !== undefined && { $lte: to }) },
    }),
    ...(before !== undefined && { _id: { $lt: before } }),
  };
}

function documentOf(record: AuditRecord): AuditRecordDocument {
  const { actor, target } = record;
  return {
    _id: record.seq,
    form: record.form,
    record_id: record.id,
    at: record.at,
    actor_kind: actor.kind,
    actor_id: actor.id,
    actor_name: actor.name,
    actor_credential: actor.credential,
    client: record.client,
    request_id: record.requestId,
    action: record.action,
    target_kind: target?.kind ?? null,
    target_id: target?.id ?? null,
    target_name: target?.name ?? null,
    outcome: record.outcome,
    reason: record.reason,
    details: JSON.stringify(record.details),
    prev: record.prev,
    hash: record.hash,
  };
}

/** Whatever somebody has made of it: its hash then tells. */
function recordOf(stored: AuditRecordDocument): AuditRecord {
  const { target_kind: kind } = stored;
  return {
    seq: stored._id,
    form: stored.form,
    id: stored.record_id,
    at: stored.at instanceof Date ? stored.at : new Date(0),
    actor: {
      kind: stored.actor_kind as AuditActor['kind'],
      id: stored.actor_id,
      name: stored.actor_name,
      credential: stored.actor_credential,
    },
    client: stored.client,
    requestId: stored.request_id,
    action: stored.action,
    target:
      kind === null ? null : { kind, id: stored.target_id ?? '', name: stored.target_name ?? '' },
    outcome: stored.outcome as AuditOutcome,
    reason: stored.reason,
    details: detailsOf(stored.details),
    prev: stored.prev,
    hash: stored.hash,
  };
}

function detailsOf(text: string): AuditDetails {
  try {
    return JSON.parse(text) as AuditDetails;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { unreadable: true };
  }
}
