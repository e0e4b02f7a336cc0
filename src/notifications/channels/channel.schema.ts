import { Schema } from 'mongoose';
import { neededDate, neededText } from '../../common/schema-parts.js';

export const CHANNEL_MODEL = 'AlertChannel';
export const ALERT_CHANNELS = 'alert_channels';

export const channelSchema = new Schema(
  {
    _id: neededText,
    subject: neededText,
    service: { type: String },
    ends: { type: [String], default: undefined },
    name: neededText,
    type: neededText,
    signed: { type: Boolean, required: true },
    sealed: neededText,
    created_by: neededText,
    created_at: neededDate,
    updated_at: neededDate,
  },
  { collection: ALERT_CHANNELS, versionKey: false, id: false, strictQuery: 'throw' },
).index({ subject: 1 });
