import { Schema } from 'mongoose';

export const WATCHED_SERVICE_MODEL = 'WatchedService';
export const SERVICE_CHANGE_MODEL = 'ServiceChange';
export const SHARD_WATCH_MODEL = 'ServiceShardWatch';

const options = {
  versionKey: false,
  id: false,
  strictQuery: 'throw',
  minimize: false,
} as const;
const { Mixed } = Schema.Types;
const needed = { type: String, required: true } as const;
const date = { type: Date, required: true } as const;

export const watchedServiceSchema = new Schema(
  {
    _id: needed,
    id: needed,
    name: needed,
    environment: needed,
    shard: needed,
    endpoints: { type: [String], required: true },
    check: { type: Mixed, required: true },
    tags: { type: [String], required: true },
    metadata: { type: Mixed, required: true },
    dependencies: { type: [String], required: true },
    ttl_seconds: { type: Number },
    beat: { type: String },
    last_heartbeat: { type: Date },
    revision: needed,
    health: { type: Mixed },
    health_fence: { type: Number, required: true },
    outbox: { type: Mixed, required: true },
    maintenance: { type: Mixed },
    maintenance_version: { type: Number },
    created_by: needed,
    created_at: date,
    updated_at: date,
  },
  { collection: 'watched_services', ...options },
)
  .index({ id: 1 })
  .index({ shard: 1 });

export const serviceChangeSchema = new Schema(
  {
    _id: needed,
    service: needed,
    seq: { type: Number, required: true },
    from: { type: String },
    to: needed,
    at: date,
    reason: { type: Mixed, required: true },
  },
  { collection: 'service_changes', ...options },
)
  .index({ service: 1, _id: -1 })
  .index({ at: 1 });

export const shardWatchSchema = new Schema(
  {
    _id: needed,
    fence: { type: Number, required: true },
    observed_at: date,
    gap: { type: Mixed },
  },
  { collection: 'service_monitors', ...options },
);
