import { Schema } from 'mongoose';

export const CHANNEL_MODEL = 'AlertChannel';
export const ALERT_CHANNELS = 'alert_channels';

const needed = { type: String, required: true } as const;
const date = { type: Date, required: true } as const;

export const channelSchema = new Schema(
  {
    _id: needed,
    subject: needed,
    service: needed,
    name: needed,
    type: needed,
    signed: { type: Boolean, required: true },
    sealed: needed,
    created_by: needed,
    created_at: date,
    updated_at: date,
  },
  { collection: ALERT_CHANNELS, versionKey: false, id: false, strictQuery: 'throw' },
).index({ subject: 1 });
