import { Injectable } from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import { nameRecord } from '../../common/values/name-record.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import type { DocumentChange, SealedPlace, StoredDocument } from '../encryption/sealed-places.js';

/** Documents that are read at once: each may hold a text of 10 MiB. */
const BATCH = 16;
/** Nobody waits for it. */
const RETRY = { deadlineMs: 60_000 } as const;

/** All collections with something sealed in them. */
@Injectable()
export class SealedDocumentsRepository {
  constructor(@InjectConnection() private readonly connection: Connection) {}

  /** All documents of a place, with what is sealed and what is in clear of it. */
  async *of({ collection, texts, clear }: SealedPlace): AsyncGenerator<StoredDocument, void> {
    const fields = new Set([...texts.map(({ path }) => path), ...(clear?.fields ?? [])]);
    const projection = nameRecord([...fields].map((field) => [field, 1] as const));
    const options = { projection, sort: { _id: 1 }, limit: BATCH, batchSize: BATCH } as const;
    const all = this.connection.collection<StoredDocument>(collection);
    let after = '';
    for (;;) {
      const page = { _id: { $gt: after } };
      const batch = await databaseRetry(() => all.find(page, options).toArray(), RETRY);
      yield* batch;
      const last = batch.at(-1);
      if (last === undefined || batch.length < BATCH) return;
      after = last._id;
    }
  }

  /** Nothing, if the document is not as it was read. */
  async change({ collection }: SealedPlace, { filter, update }: DocumentChange): Promise<void> {
    const all = this.connection.collection<StoredDocument>(collection);
    await databaseRetry(() => all.updateOne(filter, update), RETRY);
  }
}
