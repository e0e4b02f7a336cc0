import { Schema } from 'mongoose';
import { neededDate, neededText, plainDocuments } from '../../common/schema-parts.js';

export const WATCHED_SERVICE_MODEL = 'WatchedService';
export const SERVICE_CHANGE_MODEL = 'ServiceChange';
export const SHARD_WATCH_MODEL = 'ServiceShardWatch';

const { Mixed } = Schema.Types;

export const watchedServiceSchema = new Schema(
  {
    _id: neededText,
    id: neededText,
    name: neededText,
    environment: neededText,
    shard: neededText,
    endpoints: { type: [String], required: true },
    check: { type: Mixed, required: true },
    checks: { type: Mixed },
    tags: { type: [String], required: true },
    metadata: { type: Mixed, required: true },
    dependencies: { type: [String], required: true },
    ttl_seconds: { type: Number },
    beat: { type: String },
    last_heartbeat: { type: Date },
    revision: neededText,
    health: { type: Mixed },
    health_fence: { type: Number, required: true },
    outbox: { type: Mixed, required: true },
    maintenance: { type: Mixed },
    maintenance_version: { type: Number },
    created_by: neededText,
    created_at: neededDate,
    updated_at: neededDate,
  },
  { collection: 'watched_services', ...plainDocuments },
)
  .index({ id: 1 })
  .index({ shard: 1 });

export const serviceChangeSchema = new Schema(
  {
    _id: neededText,
    service: neededText,
    seq: { type: Number, required: true },
    from: { type: String },
    to: neededText,
    at: neededDate,
    reason: { type: Mixed, required: true },
  },
  { collection: 'service_changes', ...plainDocuments },
)
  .index({ service: 1, _id: -1 })
  .index({ at: 1 });

export const shardWatchSchema = new Schema(
  {
    _id: neededText,
    fence: { type: Number, required: true },
    began_at: { type: Date },
    observed_at: neededDate,
    gap: { type: Mixed },
  },
  { collection: 'service_monitors', ...plainDocuments },
);
