import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import {
  DELIVERY_BODY_MODEL,
  DELIVERY_KEY_MODEL,
  DELIVERY_MODEL,
  type DeliveryBodyDocument,
  type DeliveryDocument,
  type DeliveryKeyDocument,
} from './delivery.schema.js';
import type { DeliveryStatus } from './delivery-status.js';

const RETRY = { deadlineMs: 5000 } as const;
const OPEN: readonly DeliveryStatus[] = ['received', 'decided'];
/** Far below what one document may have. */
const PART_BYTES = 8 * 1024 * 1024;
const ROWS_AT_ONCE = 5_000;

/** Which deliveries; what is absent does not matter. */
export interface DeliveryFilter {
  readonly repositoryId?: string;
  readonly status?: DeliveryStatus;
  readonly event?: string;
}

export type DeliveryEnd = Pick<DeliveryDocument, 'status' | 'reason'> &
  Partial<Pick<DeliveryDocument, 'duplicate_of'>>;

/** The collections `deliveries`, `delivery_bodies` and `delivery_keys`. */
@Injectable()
export class DeliveriesRepository {
  constructor(
    @InjectModel(DELIVERY_MODEL) private readonly deliveries: Model<DeliveryDocument>,
    @InjectModel(DELIVERY_BODY_MODEL) private readonly bodies: Model<DeliveryBodyDocument>,
    @InjectModel(DELIVERY_KEY_MODEL) private readonly keys: Model<DeliveryKeyDocument>,
  ) {}

  /**
   * Claims a key for a delivery that is about to be stored; one key belongs to one delivery.
   * Answers whose it is. `maxAgeMs`: an older claim is over.
   */
  async claim(key: string, deliveryId: string, maxAgeMs: number): Promise<string> {
    const mine = { _id: key, delivery_id: deliveryId, at: new Date() };
    return databaseRetry(async () => {
      try {
        await this.keys.insertOne(mine);
        return deliveryId;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      const there = await this.keys.findById(key).lean<DeliveryKeyDocument>().exec();
      if (!there) throw new Error('a key of a delivery was removed just now');
      if (there.at.getTime() > mine.at.getTime() - maxAgeMs) return there.delivery_id;
      const replaced = await this.keys
        .findOneAndUpdate(
          { _id: key, delivery_id: there.delivery_id },
          { $set: { delivery_id: deliveryId, at: mine.at } },
          { returnDocument: 'after' },
        )
        .lean<DeliveryKeyDocument>()
        .exec();
      return replaced?.delivery_id ?? there.delivery_id;
    }, RETRY);
  }

  /** Idempotent. The body comes first: whoever finds the delivery finds its body. */
  async insert(delivery: DeliveryDocument, body: Buffer): Promise<void> {
    const { _id: id, received_at: at } = delivery;
    for (let number = 0; number * PART_BYTES < body.length || number === 0; number++) {
      const bytes = body.subarray(number * PART_BYTES, (number + 1) * PART_BYTES);
      await this.once(() =>
        this.bodies.insertOne({ _id: `${id}:${number}`, delivery_id: id, bytes, received_at: at }),
      );
    }
    const kept = { ...delivery, kept_size: body.length };
    await this.once(() => this.deliveries.insertOne(kept));
  }

  async find(id: string): Promise<DeliveryDocument | undefined> {
    const found = await databaseRetry(
      () => this.deliveries.findById(id).lean<DeliveryDocument>().exec(),
      RETRY,
    );
    return found ?? undefined;
  }

  /** Undefined: it was removed after its time. */
  async body(id: string): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (let number = 0; ; number++) {
      const part = await databaseRetry(
        () => this.bodies.findById(`${id}:${number}`).lean<DeliveryBodyDocument>().exec(),
        RETRY,
      );
      if (!part) return parts.length === 0 ? undefined : Buffer.concat(parts);
      const bytes = bytesOf(part.bytes);
      parts.push(bytes);
      // A part that is not full is the last one.
      if (bytes.length < PART_BYTES) return Buffer.concat(parts);
    }
  }

  /** Newest first. */
  async list(filter: DeliveryFilter, page: PageRequest): Promise<Page<DeliveryDocument>> {
    const rows = await databaseRetry(
      () =>
        this.deliveries
          .find({
            ...(filter.repositoryId !== undefined && { repository_id: filter.repositoryId }),
            ...(filter.status !== undefined && { status: filter.status }),
            ...(filter.event !== undefined && { event: filter.event }),
            ...(page.after !== undefined && { _id: { $lt: page.after } }),
          })
          .sort({ _id: -1 })
          .limit(page.limit + 1)
          .lean<DeliveryDocument[]>()
          .exec(),
      RETRY,
    );
    return pageOf(rows, page.limit, (row) => row._id);
  }

  /** Ids of those that are not at their end, the oldest first. */
  async open(limit: number): Promise<string[]> {
    const rows = await databaseRetry(
      () =>
        this.deliveries
          .find({ status: { $in: OPEN } })
          .select({ _id: 1 })
          .sort({ _id: 1 })
          .limit(limit)
          .lean<{ _id: string }[]>()
          .exec(),
      RETRY,
    );
    return rows.map(({ _id }) => _id);
  }

  /**
   * Stores the decisions unless somebody else has; answers the delivery as it is then. What was
   * stored first counts.
   */
  async decide(
    id: string,
    {
      decisions,
      facts,
      subject,
    }: Pick<DeliveryDocument, 'facts' | 'subject'> & { readonly decisions: string },
  ): Promise<DeliveryDocument | undefined> {
    const made = {
      decisions,
      ...(facts !== undefined && { facts }),
      ...(subject !== undefined && { subject }),
    };
    const set = { status: 'decided', ...made, decided_at: new Date(), problem: null };
    const decided = await databaseRetry(
      () =>
        this.deliveries
          .findOneAndUpdate(
            { _id: id, status: 'received' },
            { $set: set },
            { returnDocument: 'after' },
          )
          .lean<DeliveryDocument>()
          .exec(),
      RETRY,
    );
    return decided ?? this.find(id);
  }

  /**
   * Other decisions for a delivery that is still as it was seen; what they start is started by a
   * worker. False: it has changed meanwhile.
   */
  async redecide(
    { _id, status, decisions: seen }: DeliveryDocument,
    decisions: string,
  ): Promise<boolean> {
    const set = { status: 'decided', decisions };
    await databaseRetry(
      () => this.deliveries.updateOne({ _id, status, decisions: seen }, { $set: set }).exec(),
      RETRY,
    );
    return (await this.find(_id))?.decisions === decisions;
  }

  /** Ends a delivery that is not at its end. */
  async end(id: string, end: DeliveryEnd): Promise<void> {
    const open = { _id: id, status: { $in: OPEN } };
    const set = { ...end, problem: null };
    await databaseRetry(() => this.deliveries.updateOne(open, { $set: set }).exec(), RETRY);
  }

  async setProblem(id: string, problem: string): Promise<void> {
    await databaseRetry(
      () =>
        this.deliveries.updateOne({ _id: id, status: 'received' }, { $set: { problem } }).exec(),
      RETRY,
    );
  }

  /**
   * Drops the oldest bodies where all of them together are larger than this; their deliveries stay.
   * Answers of how many deliveries.
   */
  async dropBodies(maxBytes: number): Promise<number> {
    let kept = 0;
    for (let before: string | undefined; ;) {
      const rows = await this.keptSizes(before);
      const last = rows.find(({ kept_size: size }) => (kept += size) > maxBytes);
      if (last !== undefined) return this.dropBodiesUpTo(last._id);
      if (rows.length < ROWS_AT_ONCE) return 0;
      before = rows.at(-1)?._id;
    }
  }

  /**
   * Removes all that came before; bodies and keys last, so that no delivery is without its body.
   */
  async removeBefore(time: Date): Promise<void> {
    await databaseRetry(
      () => this.deliveries.deleteMany({ received_at: { $lt: time } }).exec(),
      RETRY,
    );
    await databaseRetry(() => this.bodies.deleteMany({ received_at: { $lt: time } }).exec(), RETRY);
    await databaseRetry(() => this.keys.deleteMany({ at: { $lt: time } }).exec(), RETRY);
  }

  /** Of deliveries whose bodies are kept, the newest first. */
  private keptSizes(before: string | undefined): Promise<{ _id: string; kept_size: number }[]> {
    const older = before === undefined ? {} : { _id: { $lt: before } };
    return databaseRetry(
      () =>
        this.deliveries
          .find({ ...older, kept_size: { $gt: 0 } })
          .select({ kept_size: 1 })
          .sort({ _id: -1 })
          .limit(ROWS_AT_ONCE)
          .lean<{ _id: string; kept_size: number }[]>()
          .exec(),
      RETRY,
    );
  }

  private async dropBodiesUpTo(id: string): Promise<number> {
    // Ids of parts begin with that of their delivery; `;` comes after `:`.
    const parts = { _id: { $lt: `${id};` } };
    await databaseRetry(() => this.bodies.deleteMany(parts).exec(), RETRY);
    const dropped = { _id: { $lte: id }, kept_size: { $gt: 0 } };
    const { modifiedCount } = await databaseRetry(
      () => this.deliveries.updateMany(dropped, { $set: { kept_size: 0 } }).exec(),
      RETRY,
    );
    return modifiedCount;
  }

  private once(insert: () => Promise<unknown>): Promise<void> {
    return databaseRetry(async () => {
      try {
        await insert();
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }, RETRY);
  }
}

/** The driver gives its own class for bytes. */
function bytesOf(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from((value as { readonly buffer: Uint8Array }).buffer);
}
