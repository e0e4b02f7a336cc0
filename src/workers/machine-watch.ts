import { Injectable } from '@nestjs/common';
import { statfs } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { availableMemory } from '../common/health/available-memory.js';
import { MillraceConfig } from '../config/millrace-config.js';
import type { WorkerMachine, WorkerRefusal } from './worker.schema.js';

const MiB = 1024 * 1024;

/** What is left of this machine, bytes. */
export interface MachineResources {
  readonly freeMemory: number;
  readonly freeDisk: number;
}

/** Watches memory and disk: under a floor a worker takes no further executions and says why. */
@Injectable()
export class MachineWatch {
  constructor(private readonly config: MillraceConfig) {}

  /** What the worker tells of its machine, and whether there is room for another execution. */
  async look(): Promise<{ machine: WorkerMachine; refusal: WorkerRefusal | null }> {
    const resources = await this.resources();
    const machine = {
      load_average: loadavg()[0] ?? 0,
      cores: availableParallelism(),
      free_memory: resources.freeMemory,
      free_disk: resources.freeDisk,
    };
    return { machine, refusal: refusalFor(resources, this.config) };
  }

  private async resources(): Promise<MachineResources> {
    const [freeMemory, disk] = await Promise.all([availableMemory(), statfs(this.config.home)]);
    return { freeMemory, freeDisk: disk.bavail * disk.bsize };
  }
}

export function refusalFor(
  resources: MachineResources,
  floors: Pick<MillraceConfig, 'minFreeDisk' | 'minFreeMemory'>,
): WorkerRefusal | null {
  if (resources.freeDisk < floors.minFreeDisk) {
    return {
      code: 'disk_low',
      message: `${mebibytes(resources.freeDisk)} of disk are free and ${mebibytes(floors.minFreeDisk)} are needed (MIN_FREE_DISK)`,
    };
  }
  if (resources.freeMemory < floors.minFreeMemory) {
    return {
      code: 'memory_low',
      message: `${mebibytes(resources.freeMemory)} of memory are available and ${mebibytes(floors.minFreeMemory)} are needed (MIN_FREE_MEMORY)`,
    };
  }
  return null;
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / MiB)} MiB`;
}
