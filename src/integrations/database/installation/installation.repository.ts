import type { Connection } from 'mongoose';
import { isDuplicateKey } from '../database-errors.js';
import { databaseRetry } from '../database-retry.js';
import { InstallationStore } from './installation-store.js';

/** The collection has one document. */
const ONLY = 'installation';
const RETRY_MS = 3_000;

interface InstallationDocument {
  readonly _id: string;
  readonly id: string;
  readonly created_at: Date;
}

/** `installation`: written once, by whichever process asks first. */
export class InstallationRepository extends InstallationStore {
  constructor(private readonly connection: Pick<Connection, 'collection'>) {
    super();
  }

  claim(id: string): Promise<string> {
    return databaseRetry(() => this.claimOnce(id), { deadlineMs: RETRY_MS });
  }

  private async claimOnce(id: string): Promise<string> {
    const known = await this.find();
    if (known !== undefined) return known;
    try {
      await this.documents.insertOne({ _id: ONLY, id, created_at: new Date() });
      return id;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return this.claimOnce(id);
    }
  }

  private async find(): Promise<string | undefined> {
    return (await this.documents.findOne({ _id: ONLY }))?.id;
  }

  private get documents(): ReturnType<typeof documentsOf> {
    return documentsOf(this.connection);
  }
}

function documentsOf(connection: Pick<Connection, 'collection'>) {
  return connection.collection<InstallationDocument>('installation');
}
