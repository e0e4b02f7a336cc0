import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';

/** A queue that executions were sent to; workers open those that they can serve. */
@Schema({ collection: 'queues', versionKey: false, strictQuery: 'throw' })
export class QueueRecord {
  /** Its name (`execution-queue.ts`). */
  @Prop({ type: String, required: true })
  _id!: string;
}

export const QueueSchema = SchemaFactory.createForClass(QueueRecord);
