import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { uuidV7 } from '../../common/ids/uuid.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { Keyring } from '../../secrets/encryption/keyring.js';
import { openJson, sealJson } from '../../secrets/encryption/sealed-json.js';
import { SSH_IDENTITY_MODEL } from './deployment.schema.js';
import { SshIdentities, type SshIdentity } from './ssh-identities.js';

interface StoredIdentity {
  readonly _id: string;
  readonly sealed: string;
  readonly created_at: Date;
}

/** A call waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 10_000 } as const;

export function sshIdentityContext(id: string): string {
  return `ssh_identities:${id}:sealed`;
}

/** The collection `ssh_identities`: nothing of an identity is stored in clear. */
@Injectable()
export class SshIdentitiesRepository extends SshIdentities {
  constructor(
    @InjectModel(SSH_IDENTITY_MODEL) private readonly identities: Model<StoredIdentity>,
    private readonly keyring: Keyring,
  ) {
    super();
  }

  async add({ key, knownHosts }: SshIdentity): Promise<string> {
    const _id = uuidV7();
    const text = JSON.stringify({ key, knownHosts });
    const sealed = sealJson(this.keyring, text, sshIdentityContext(_id));
    const stored = { _id, sealed, created_at: new Date() };
    await databaseRetry(
      () => this.identities.updateOne({ _id }, { $setOnInsert: stored }, { upsert: true }),
      RETRY,
    );
    return _id;
  }

  async find(id: string): Promise<SshIdentity | undefined> {
    const stored = await this.identities.findById(id).lean<StoredIdentity | null>();
    if (stored === null) return undefined;
    return JSON.parse(openJson(this.keyring, stored.sealed, sshIdentityContext(id))) as SshIdentity;
  }
}
