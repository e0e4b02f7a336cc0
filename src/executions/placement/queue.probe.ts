import { HealthProbe, type ProbeResult } from '../../common/health/health-probe.js';
import type { JobQueue } from '../../integrations/job-queue/job-queue.js';
import { queueForLabels } from './execution-queue.js';

/** Without the queue executions are accepted and wait. */
export class QueueProbe extends HealthProbe {
  readonly name = 'queue';
  readonly critical = false;
  readonly downMessage = 'not reachable: executions are accepted and wait';

  constructor(private readonly jobs: JobQueue) {
    super();
  }

  async check(): Promise<ProbeResult> {
    const waiting = await this.jobs.waiting(queueForLabels([]));
    return { status: 'up', message: 'reachable', data: { waiting } };
  }
}
