import { Schema } from 'mongoose';
import { neededDate, neededText, plainDocuments } from '../../common/schema-parts.js';

export const ALERT_MODEL = 'ServiceAlert';
export const ALERT_STATE_MODEL = 'AlertState';

const { Mixed } = Schema.Types;
const number = { type: Number, required: true } as const;

export const alertSchema = new Schema(
  {
    _id: neededText,
    subject: neededText,
    kind: neededText,
    service: neededText,
    from: { type: String },
    to: neededText,
    at: neededDate,
    reason: { type: Mixed, required: true },
    after_deployment: { type: Mixed },
    caused_by: { type: [String], required: true },
    followers: { type: Mixed, required: true },
    deliveries: { type: Mixed, required: true },
    due_at: { type: Date },
    created_at: neededDate,
    version: number,
  },
  { collection: 'service_alerts', ...plainDocuments },
)
  .index({ subject: 1, _id: -1 })
  .index({ due_at: 1 })
  .index({ created_at: 1 });

export const alertStateSchema = new Schema(
  {
    _id: neededText,
    service: neededText,
    seq: number,
    told: neededText,
    alert: { type: String },
    held: { type: Number },
    version: number,
  },
  { collection: 'alert_states', ...plainDocuments },
);
