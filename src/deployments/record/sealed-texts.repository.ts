import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { uuidV7 } from '../../common/ids/uuid.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { Keyring } from '../../secrets/encryption/keyring.js';
import { openJson, sealJson } from '../../secrets/encryption/sealed-json.js';
import { SEALED_TEXT_MODEL } from './deployment.schema.js';
import { SealedTexts } from './sealed-texts.js';

interface StoredText {
  readonly _id: string;
  readonly sealed: string;
  readonly created_at: Date;
}

/** A call waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 10_000 } as const;

export function sealedTextContext(id: string): string {
  return `deployment_secrets:${id}:sealed`;
}

/** The collection `deployment_secrets`: nothing of a text is stored in clear. */
@Injectable()
export class SealedTextsRepository extends SealedTexts {
  constructor(
    @InjectModel(SEALED_TEXT_MODEL) private readonly texts: Model<StoredText>,
    private readonly keyring: Keyring,
  ) {
    super();
  }

  async add(text: string): Promise<string> {
    const _id = uuidV7();
    const sealed = sealJson(this.keyring, text, sealedTextContext(_id));
    const stored = { _id, sealed, created_at: new Date() };
    await databaseRetry(
      () => this.texts.updateOne({ _id }, { $setOnInsert: stored }, { upsert: true }),
      RETRY,
    );
    return _id;
  }

  async find(id: string): Promise<string | undefined> {
    const stored = await this.texts.findById(id).lean<StoredText | null>();
    if (stored === null) return undefined;
    return openJson(this.keyring, stored.sealed, sealedTextContext(id));
  }

  async idsBefore(at: Date): Promise<readonly string[]> {
    const rows = await this.texts
      .find({ created_at: { $lt: at } }, { _id: 1 })
      .lean<Pick<StoredText, '_id'>[]>();
    return rows.map(({ _id }) => _id);
  }

  async remove(id: string): Promise<void> {
    await databaseRetry(() => this.texts.deleteOne({ _id: id }), RETRY);
  }
}
