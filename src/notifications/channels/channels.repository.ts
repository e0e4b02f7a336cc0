import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { GroupedCall, type Outcome } from '../../integrations/database/grouped-call.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { Keyring } from '../../secrets/encryption/keyring.js';
import { openJson, sealJson } from '../../secrets/encryption/sealed-json.js';
import { SealedPlaces } from '../../secrets/encryption/sealed-places.js';
import type { Channel, ChannelTarget } from './channel.js';
import { ALERT_CHANNELS, CHANNEL_MODEL } from './channel.schema.js';
import { ChannelStore } from './channel-store.js';

type StoredChannel = Channel & { readonly sealed: string };

/** A call waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5_000 } as const;
/** Who asks whether there are channels at all waits for others that do, ms. */
const GATHER_MS = 50;
const SHOWN = { sealed: 0 } as const;

function contextOf(id: string): string {
  return `${ALERT_CHANNELS}:${id}:sealed`;
}

/** The collection `alert_channels`: nothing of a target is stored in clear. */
@Injectable()
export class ChannelsRepository extends ChannelStore implements OnModuleInit {
  private readonly looks = new GroupedCall<string, boolean>((subjects) => this.haveAny(subjects), {
    gatherMs: GATHER_MS,
  });

  constructor(
    @InjectModel(CHANNEL_MODEL) private readonly channels: Model<StoredChannel>,
    private readonly keyring: Keyring,
    private readonly places: SealedPlaces,
  ) {
    super();
  }

  onModuleInit(): void {
    this.places.register({
      collection: ALERT_CHANNELS,
      texts: [{ path: 'sealed', context: contextOf }],
    });
  }

  async set(channel: Channel, target: ChannelTarget): Promise<void> {
    const { _id, created_by, created_at, ...rest } = channel;
    const sealed = sealJson(this.keyring, JSON.stringify(target), contextOf(_id));
    await databaseRetry(async () => {
      const { matchedCount } = await this.channels.updateOne(
        { _id },
        { $set: { ...rest, sealed } },
      );
      if (matchedCount === 1) return;
      try {
        const fresh: StoredChannel = { ...rest, _id, created_by, created_at, sealed };
        await this.channels.insertOne(fresh);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        await this.channels.updateOne({ _id }, { $set: { ...rest, sealed } });
      }
    }, RETRY);
  }

  async remove(id: string): Promise<boolean> {
    const { deletedCount } = await databaseRetry(() => this.channels.deleteOne({ _id: id }), RETRY);
    return deletedCount === 1;
  }

  async all(): Promise<readonly Channel[]> {
    return this.channels.find({}, SHOWN).sort({ _id: 1 }).lean<Channel[]>();
  }

  async of(subject: string): Promise<readonly Channel[]> {
    return this.channels.find({ subject }, SHOWN).sort({ _id: 1 }).lean<Channel[]>();
  }

  hasAny(subject: string): Promise<boolean> {
    return this.looks.add(subject);
  }

  private async haveAny(subjects: readonly string[]): Promise<Outcome<boolean>[]> {
    const found = new Set(await this.channels.distinct('subject', { subject: { $in: subjects } }));
    return subjects.map((subject) => ({ result: found.has(subject) }));
  }

  async target(id: string): Promise<ChannelTarget | undefined> {
    const stored = await this.channels.findById(id).lean<StoredChannel | null>();
    if (stored === null) return undefined;
    const text = openJson(this.keyring, stored.sealed, contextOf(id));
    return JSON.parse(text) as ChannelTarget;
  }
}
