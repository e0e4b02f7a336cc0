import { PeriodicTask } from '../../common/async/periodic-task.js';
import { messageOf } from '../../common/values/error-message.js';
import type { SupervisorProcess } from '../../integrations/local-services/client/supervisor-process.js';

/** How soon a supervisor is started again that was killed, ms. */
const LOOK_MS = 5000;

/**
 * Sees to it that what was deployed on this host is supervised as long as Millrace runs, also after
 * a restart of the host. Where nothing was deployed nothing is started.
 */
export class ServicesKeeper {
  private readonly task: PeriodicTask;
  private told: string | undefined;

  constructor(
    private readonly supervisor: Pick<SupervisorProcess, 'ensure' | 'hasServices'>,
    private readonly say: (line: string) => void,
    everyMs = LOOK_MS,
  ) {
    this.task = new PeriodicTask(() => this.look(), { everyMs, firstAfterMs: 0 });
  }

  start(): void {
    this.task.start();
  }

  /** The supervisor and what it supervises run on. */
  async stop(): Promise<void> {
    await this.task.stop();
  }

  private async look(): Promise<void> {
    try {
      if (this.supervisor.hasServices()) await this.supervisor.ensure();
      this.told = undefined;
    } catch (error) {
      if (this.task.isStopped) return;
      const problem = `What was deployed on this host is not supervised: ${messageOf(error)}`;
      if (problem !== this.told) this.say(problem);
      this.told = problem;
    }
  }
}
