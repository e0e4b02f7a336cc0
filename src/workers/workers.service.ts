import { Injectable } from '@nestjs/common';
import { conflict, notFound, type MillraceError } from '../common/errors/millrace.error.js';
import type { WorkerRecord } from './worker.schema.js';
import { WorkersRepository } from './workers.repository.js';

/** Shows workers and asks them to take nothing more. */
@Injectable()
export class WorkersService {
  constructor(private readonly workers: WorkersRepository) {}

  async list(limit: number): Promise<WorkerRecord[]> {
    return this.workers.list(limit);
  }

  /**
   * The worker finishes what it runs and takes nothing more, from its next heartbeat on (5 s).
   * Idempotent; the last reason counts.
   * @throws MillraceError NotFoundError, ConflictError when it has ended
   */
  async drain(id: string, by: string, reason: string | undefined): Promise<WorkerRecord> {
    return this.request(id, { at: new Date(), by, reason: reason ?? null });
  }

  /** The worker takes executions again, from its next heartbeat on. @throws as `drain` */
  async resume(id: string): Promise<WorkerRecord> {
    return this.request(id, null);
  }

  private async request(
    id: string,
    request: Parameters<WorkersRepository['requestDrain']>[1],
  ): Promise<WorkerRecord> {
    const isLive = await this.workers.requestDrain(id, request);
    const worker = await this.workers.find(id);
    if (!worker) throw notFound('worker', id);
    if (isLive) return worker;
    throw workerEnded(id, worker.status);
  }
}

/** 409 */
export function workerEnded(id: string, status: string): MillraceError {
  return conflict(`Worker ${id} has ended: it is ${status}.`, {
    suggestions: [
      'A restarted worker has another id; `./millrace workers` (/api/workers) shows the live ones.',
    ],
  });
}
