import { Schema } from 'mongoose';
import { plainDocuments } from '../../common/schema-parts.js';
import type { TickReason } from './schedule-store.js';

export const SCHEDULE_MODEL = 'Schedule';
export const TICK_MODEL = 'ScheduleTick';

/** A tick of a schedule. */
export interface TickDocument {
  /** `<schedule>:<instant>`: inserting it twice is inserting it once. */
  readonly _id: string;
  readonly schedule_id: string;
  readonly pipeline_id: string;
  readonly at: Date;
  readonly decided_at: Date;
  readonly starts: boolean;
  readonly reason: TickReason;
  readonly version: number;
  readonly execution_id: string | null;
  /** It starts something, and that may not be started yet. */
  readonly open: boolean;
}

/** How far a schedule is: a rule of the current version of a pipeline. */
export interface ScheduleDocument {
  /** `<pipeline>:<hash of times and zone>` */
  readonly _id: string;
  readonly pipeline_id: string;
  /** All ticks up to it are decided. */
  readonly since: Date;
  /** A copy of the tick that was decided last. */
  readonly last: Omit<TickDocument, 'open'> | null;
}

export const scheduleSchema = new Schema(
  {
    _id: { type: String, required: true },
    pipeline_id: { type: String, required: true },
    since: { type: Date, required: true },
    last: { type: Schema.Types.Mixed },
  },
  { ...plainDocuments, collection: 'schedules' },
).index({ pipeline_id: 1 });

export const tickSchema = new Schema(
  {
    _id: { type: String, required: true },
    schedule_id: { type: String, required: true },
    pipeline_id: { type: String, required: true },
    at: { type: Date, required: true },
    decided_at: { type: Date, required: true },
    starts: { type: Boolean, required: true },
    reason: { type: Schema.Types.Mixed, required: true },
    version: { type: Number, required: true },
    execution_id: { type: String },
    open: { type: Boolean, required: true },
  },
  { ...plainDocuments, collection: 'schedule_ticks' },
).index({ open: 1, decided_at: 1 });
