import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, HttpClient } from '../http-client.js';
import type { Repetition, Subject, SubjectName, Workload } from '../subject.js';

interface ColdServer {
  readonly http: HttpClient;
  stop(): Promise<void>;
}

/** Sends one trigger. */
type Trigger = (http: HttpClient) => Promise<Answer>;

/**
 * Starts a server beside the one that runs, on the same services, and triggers until a trigger is
 * accepted.
 */
export class ColdStart implements Subject {
  constructor(
    readonly name: SubjectName,
    private readonly start: () => Promise<ColdServer>,
    private readonly prepareTrigger: (work: Workload) => Promise<Trigger>,
  ) {}

  async prepare(work: Workload): Promise<Repetition> {
    const trigger = await this.prepareTrigger(work);
    return async () => {
      const begin = performance.now();
      const server = await this.start();
      try {
        while (!(await isAccepted(trigger(server.http)))) await sleep(5);
        return performance.now() - begin;
      } finally {
        await server.stop();
      }
    };
  }
}

/** Nobody listens yet, or the database is not connected yet: not accepted. */
async function isAccepted(answer: Promise<Answer>): Promise<boolean> {
  try {
    const { status } = await answer;
    if (status === 202) return true;
    if (status === 503) return false;
    throw new Error(`the trigger was answered with ${status}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return false;
    throw error;
  }
}
