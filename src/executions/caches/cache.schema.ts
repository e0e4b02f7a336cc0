import { Schema } from 'mongoose';

export const CACHE_MODEL = 'Cache';

/** A saved cache, as it is stored. */
export interface CacheDocument {
  /** `<pipeline>/<hash of scope, paths and key>` */
  readonly _id: string;
  readonly pipeline_id: string;
  readonly scope: string;
  readonly paths: string;
  readonly key: string;
  /** Bytes of its archive. */
  readonly size: number;
  /** SHA-256 of its archive. */
  readonly digest: string;
  readonly object_key: string;
  readonly execution_id: string;
  readonly created_at: Date;
  readonly used_at: Date;
}

export const cacheSchema = new Schema(
  {
    _id: { type: String, required: true },
    pipeline_id: { type: String, required: true },
    scope: { type: String, required: true },
    paths: { type: String, required: true },
    key: { type: String, required: true },
    size: { type: Number, required: true },
    digest: { type: String, required: true },
    object_key: { type: String, required: true },
    execution_id: { type: String, required: true },
    created_at: { type: Date, required: true },
    used_at: { type: Date, required: true },
  },
  { collection: 'caches', versionKey: false, id: false, strictQuery: 'throw', minimize: false },
)
  .index({ pipeline_id: 1, scope: 1, paths: 1, key: 1 })
  .index({ pipeline_id: 1, used_at: 1 })
  .index({ used_at: 1 })
  .index({ object_key: 1 });
