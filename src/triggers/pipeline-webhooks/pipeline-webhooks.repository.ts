import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { PIPELINE_WEBHOOK_MODEL, type PipelineWebhookDocument } from './pipeline-webhook.schema.js';

const RETRY = { deadlineMs: 5000 } as const;

/** The collection `pipeline_webhooks`. */
@Injectable()
export class PipelineWebhooksRepository {
  constructor(
    @InjectModel(PIPELINE_WEBHOOK_MODEL) private readonly webhooks: Model<PipelineWebhookDocument>,
  ) {}

  async find(pipelineId: string): Promise<PipelineWebhookDocument | undefined> {
    const found = await databaseRetry(
      () => this.webhooks.findById(pipelineId).lean<PipelineWebhookDocument>().exec(),
      RETRY,
    );
    return found ?? undefined;
  }

  /** Stores it if what is there still is what was seen. Answers whether it is there then. */
  async store(
    seen: PipelineWebhookDocument | undefined,
    webhook: PipelineWebhookDocument,
  ): Promise<boolean> {
    const { _id, ...set } = webhook;
    await databaseRetry(async () => {
      if (seen !== undefined) {
        await this.webhooks.updateOne({ _id, secret: seen.secret }, { $set: set }).exec();
        return;
      }
      try {
        await this.webhooks.insertOne(webhook);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }, RETRY);
    return (await this.find(_id))?.secret === webhook.secret;
  }

  /** The secret before is over, unless there is a newer one than was seen. */
  async forgetEarlier({ _id, secret }: PipelineWebhookDocument): Promise<void> {
    await databaseRetry(
      () => this.webhooks.updateOne({ _id, secret }, { $set: { earlier: null } }).exec(),
      RETRY,
    );
  }
}
