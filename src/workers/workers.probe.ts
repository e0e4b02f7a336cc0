import { HealthProbe, type ProbeResult } from '../common/health/health-probe.js';
import type { WorkersRepository } from './workers.repository.js';

/** Without a worker executions are accepted and wait. */
export class WorkersProbe extends HealthProbe {
  readonly name = 'workers';
  readonly critical = false;
  readonly downMessage = 'not known: the database is not reachable';

  constructor(private readonly workers: WorkersRepository) {
    super();
  }

  async check(): Promise<ProbeResult> {
    const live = await this.workers.live();
    const able = live.filter(({ status, refusal }) => status === 'active' && !refusal);
    const data = {
      live: live.length,
      taking: able.length,
      slots: able.reduce((sum, { concurrency }) => sum + concurrency, 0),
      running: live.reduce((sum, { running }) => sum + running, 0),
    };
    if (live.length === 0) {
      return { status: 'down', message: 'no worker runs: executions wait', data };
    }
    if (able.length === 0) {
      return {
        status: 'degraded',
        message: 'no worker takes executions; see ./millrace workers (/api/workers)',
        data,
      };
    }
    return { status: 'up', message: `${able.length} of ${live.length} take executions`, data };
  }
}
