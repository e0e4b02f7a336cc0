import { Schema } from 'mongoose';

export const LOG_CHUNK_MODEL = 'LogChunk';

/** A stored chunk; `log-chunk-store.ts` says what the fields mean. */
export interface LogChunkDocument {
  /**
   * `<execution>:<fence>:<first_seq>`: inserting twice is inserting once, and the next chunk is
   * found by its key.
   */
  readonly _id: string;
  readonly execution_id: string;
  readonly fence: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly raw_bytes: number;
  readonly sources: readonly {
    readonly stage: string;
    readonly step: string;
    readonly attempt: number;
  }[];
  readonly data: Buffer;
}

const sourceSchema = new Schema(
  { stage: String, step: String, attempt: Number },
  { _id: false, id: false },
);

export const logChunkSchema = new Schema(
  {
    _id: { type: String, required: true },
    execution_id: { type: String, required: true },
    fence: { type: Number, required: true },
    first_seq: { type: Number, required: true },
    last_seq: { type: Number, required: true },
    raw_bytes: { type: Number, required: true },
    sources: { type: [sourceSchema], required: true },
    data: { type: Buffer, required: true },
  },
  { collection: 'log_chunks', versionKey: false, id: false },
).index({ execution_id: 1, fence: 1, last_seq: 1 });
