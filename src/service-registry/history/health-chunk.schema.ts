import { Schema } from 'mongoose';

export const HEALTH_CHUNK_MODEL = 'ServiceHealthChunk';

export const healthChunkSchema = new Schema(
  {
    _id: { type: String, required: true },
    service: { type: String, required: true },
    resolution: { type: String, required: true },
    from: { type: Date, required: true },
    urls: { type: [String], required: true },
    codes: { type: [String], required: true },
    numbers: { type: [Number], required: true },
  },
  {
    collection: 'service_health',
    versionKey: false,
    id: false,
    strictQuery: 'throw',
    minimize: false,
  },
)
  .index({ service: 1, resolution: 1, from: 1 })
  .index({ resolution: 1, from: 1 });
