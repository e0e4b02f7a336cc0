import { Schema } from 'mongoose';
import { neededDate, neededText, plainDocuments } from '../../common/schema-parts.js';

export const FAILURE_RECORD_MODEL = 'ServiceFailureRecord';

const number = { type: Number, required: true } as const;

export const failureRecordSchema = new Schema(
  {
    _id: neededText,
    service: neededText,
    seq: number,
    attempt: number,
    action: neededText,
    release: number,
    reason: { type: Schema.Types.Mixed, required: true },
    deployment_id: { type: String },
    state: neededText,
    at: neededDate,
  },
  { collection: 'service_failures', ...plainDocuments },
)
  .index({ service: 1, _id: -1 })
  .index({ state: 1 })
  .index({ at: 1 });
