import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';

/**
 * `lost`: others found its lease stale; `stopped`: it said good-bye. Both are final for this worker
 * id.
 */
export type WorkerStatus = 'active' | 'draining' | 'stopped' | 'lost';

/** Why a worker takes no executions although it is there. */
export interface WorkerRefusal {
  readonly code: string;
  readonly message: string;
}

/** What a worker has of its machine, as of its last beat. */
export interface WorkerMachine {
  /** Of the last minute (getloadavg(3)). */
  readonly load_average: number;
  readonly cores: number;
  /** Bytes. */
  readonly free_memory: number;
  /** Bytes, under MILLRACE_HOME. */
  readonly free_disk: number;
}

/** Somebody's request to drain a worker. */
export interface DrainRequest {
  readonly at: Date;
  readonly by: string;
  readonly reason: string | null;
}

/** Whether it runs steps in containers. */
export interface WorkerContainers {
  /** `docker 20.10.24`; null: it runs none. */
  readonly engine: string | null;
  /** `linux/amd64` */
  readonly platform: string | null;
  /** Why it runs none. */
  readonly reason: string | null;
  /** What builds images, `docker 20.10.24`; null: nothing does. Absent = of an older release. */
  readonly builder?: string | null;
  /** Why nothing builds images. */
  readonly builder_reason?: string | null;
  /** Why containers may reach the machine; null: they do not. */
  readonly host_reachable?: string | null;
  /** Why steps in the shell may use the engine as the worker does; null: they may not. */
  readonly socket_shared?: string | null;
}

/** One life of one worker process: a restarted process is another worker. */
@Schema({ collection: 'workers', versionKey: false, minimize: false, strictQuery: 'throw' })
export class WorkerRecord {
  @Prop({ type: String, required: true })
  _id!: string;

  /** Host name and process id, for people. */
  @Prop({ type: String, required: true })
  name!: string;

  @Prop({ type: String, required: true })
  host!: string;

  @Prop({ type: Number, required: true })
  pid!: number;

  @Prop({ type: [String], required: true })
  labels!: string[];

  @Prop({ type: Number, required: true })
  concurrency!: number;

  @Prop({ type: String, required: true })
  version!: string;

  @Prop({ type: String, required: true })
  status!: WorkerStatus;

  /** Executions that it runs, as of the last beat. */
  @Prop({ type: Number, required: true })
  running!: number;

  /** Absent in records of older versions. */
  @Prop({ type: String })
  node_version?: string;

  /** Ids of what it runs, as of the last beat. */
  @Prop({ type: [String] })
  executions?: readonly string[];

  /** Absent in records of older versions. */
  @Prop({ type: Object })
  containers?: WorkerContainers;

  @Prop({ type: Object })
  machine?: WorkerMachine;

  @Prop({ type: Object, default: null })
  drain_requested?: DrainRequest | null;

  @Prop({ type: Object, default: null })
  refusal!: WorkerRefusal | null;

  /** Rises with every renewal of the lease; observers compare it, never the clock. */
  @Prop({ type: Number, required: true })
  beat!: number;

  @Prop({ type: Date, required: true })
  started_at!: Date;

  @Prop({ type: Date, required: true })
  heartbeat_at!: Date;
}

export const WorkerSchema = SchemaFactory.createForClass(WorkerRecord);
WorkerSchema.index({ status: 1 });
