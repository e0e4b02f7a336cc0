import { Schema } from 'mongoose';

export const PIPELINE_WEBHOOK_MODEL = 'PipelineWebhook';

/** By what whoever calls the webhook of a pipeline is known. */
export interface PipelineWebhookDocument {
  /** Of the pipeline. */
  readonly _id: string;
  /** Sealed. */
  readonly secret: string;
  /** The secret before, sealed: accepted until the new one was seen, a day at most. */
  readonly earlier?: { readonly secret: string; readonly until: Date } | null;
}

export const pipelineWebhookSchema = new Schema(
  {
    _id: { type: String, required: true },
    secret: { type: String, required: true },
    earlier: { type: Schema.Types.Mixed },
  },
  {
    collection: 'pipeline_webhooks',
    versionKey: false,
    id: false,
    strictQuery: 'throw',
    minimize: false,
  },
);
