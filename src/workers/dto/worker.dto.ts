import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, Matches, MaxLength } from 'class-validator';
import type { WorkerRecord, WorkerStatus } from '../worker.schema.js';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';

export class DrainDto {
  @ApiPropertyOptional({ maxLength: 200, example: 'kernel update' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  @Matches(/^[^\x00-\x1f\x7f]*$/, { message: 'reason must be one line' })
  reason?: string;
}

export class WorkerMachineDto {
  /** Of the last minute. */
  load_average!: number;
  cores!: number;
  /** Bytes. */
  free_memory!: number;
  /** Bytes, under MILLRACE_HOME. */
  free_disk!: number;
}

export class WorkerContainersDto {
  /** Null: it runs no steps in containers.
   *  @example "docker 20.10.24" */
  engine!: string | null;
  /** @example "linux/amd64" */
  platform!: string | null;
  /** Why it runs none. */
  reason!: string | null;
  /** What builds images; null: nothing does.
   *  @example "docker 20.10.24" */
  builder!: string | null;
  /** Why nothing builds images. */
  builder_reason!: string | null;
  /** Why containers may reach the machine of the worker; null: they do not. */
  host_reachable!: string | null;
  /** Why steps in the shell may use the container engine as the worker does; null: they may not. */
  socket_shared!: string | null;
}

/** What records of older versions do not say. */
const NO_CONTAINERS = {
  builder: null,
  builder_reason: null,
  host_reachable: null,
  socket_shared: null,
};

export class WorkerDrainDto {
  at!: Date;
  by!: string;
  reason!: string | null;
}

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
  /** Of Millrace. */
  version!: string;
  /** @example "v20.20.2" */
  node_version!: string | null;
  @ApiProperty({ enum: ['active', 'draining', 'stopped', 'lost'], example: 'active' })
  status!: WorkerStatus;
  /** Executions that it ran at its last heartbeat. */
  running!: number;
  /** Ids of these executions. */
  executions!: string[];
  /** What it had of its machine at its last heartbeat. */
  machine!: WorkerMachineDto | null;
  /** Whether it runs steps in containers; null in records of older versions. */
  containers!: WorkerContainersDto | null;
  /** Set while somebody asked it to drain. */
  drain_requested!: WorkerDrainDto | null;
  /** Why it takes no further executions although it is there. */
  refusal!: WorkerRefusalDto | null;
  started_at!: Date;
  heartbeat_at!: Date;

  /** Milliseconds since its last heartbeat, by the clocks of both; it comes every 5 s. */
  heartbeat_age!: number;

  static from({ _id, beat: _beat, ...worker }: WorkerRecord): WorkerDto {
    const { executions = [], machine = null, drain_requested = null, node_version = null } = worker;
    const containers = worker.containers ? { ...NO_CONTAINERS, ...worker.containers } : null;
    return {
      id: _id,
      ...worker,
      node_version,
      executions: [...executions],
      machine,
      containers,
      drain_requested,
      heartbeat_age: Math.max(0, Date.now() - worker.heartbeat_at.getTime()),
    };
  }
}
