import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import type { WhenTrace } from '../../engine/plan/run-state.js';

export interface StoredTrace {
  readonly stage: string;
  /** Null: the `when` of the stage itself. */
  readonly step: string | null;
  readonly trace: WhenTrace;
}

/** As it is stored: the trace is JSON. */
export interface StoredTraceText extends Omit<StoredTrace, 'trace'> {
  readonly trace: string;
}

/**
 * What every `when` of one execution attempt came to, kept apart from the execution, which stays
 * small.
 */
@Schema({ collection: 'execution_traces', versionKey: false, strictQuery: 'throw' })
export class ExecutionTraceRecord {
  /** `<execution id>.<attempt>` */
  @Prop({ type: String, required: true })
  _id!: string;

  @Prop({ type: [Object], required: true })
  traces!: (StoredTrace | StoredTraceText)[];
}

export const ExecutionTraceSchema = SchemaFactory.createForClass(ExecutionTraceRecord);
