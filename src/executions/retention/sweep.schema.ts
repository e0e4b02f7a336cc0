import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';

/** Work that one process at a time does for the whole installation, now and then. */
@Schema({ collection: 'sweeps', versionKey: false, strictQuery: 'throw' })
export class SweepRecord {
  /** Name of the work. */
  @Prop({ type: String, required: true })
  _id!: string;

  /** Who is at it; null: nobody. */
  @Prop({ type: String, default: null })
  holder!: string | null;

  /** Nobody else begins before. */
  @Prop({ type: Date, required: true })
  until!: Date;
}

export const SweepSchema = SchemaFactory.createForClass(SweepRecord);
