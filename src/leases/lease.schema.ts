import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';

/** The right to do something that one process of the installation at a time does. */
@Schema({ collection: 'leases', versionKey: false, strictQuery: 'throw' })
export class LeaseRecord {
  /** Name of what is done under it. */
  @Prop({ type: String, required: true })
  _id!: string;

  @Prop({ type: String, default: null })
  holder!: string | null;

  @Prop({ type: Number, required: true })
  fence!: number;

  @Prop({ type: Number, required: true })
  renewals!: number;

  @Prop({ type: Number, required: true })
  ttl_ms!: number;

  @Prop({ type: Date, required: true })
  not_before!: Date;
}

export const LeaseSchema = SchemaFactory.createForClass(LeaseRecord);
