import type { WorkerRecord, WorkerStatus } from '../worker.schema.js';

export class WorkerRefusalDto {
  /** @example "disk_low" */
  code!: string;
  message!: string;
}

export class WorkerDto {
  /** One life of one worker process. */
  id!: string;
  /** @example "build-1-4711" */
  name!: string;
  host!: string;
  pid!: number;
  /** @example ["linux"] */
  labels!: string[];
  /** Executions that it runs at once at most. */
  concurrency!: number;
  version!: string;
  /** @example "active" */
  status!: WorkerStatus;
  /** Executions that it ran at its last heartbeat. */
  running!: number;
  /** Why it takes no further executions although it is there. */
  refusal!: WorkerRefusalDto | null;
  started_at!: Date;
  heartbeat_at!: Date;

  static from({ _id, beat: _beat, ...worker }: WorkerRecord): WorkerDto {
    return { id: _id, ...worker };
  }
}
