import type { CommandEnd, CommandRequest } from '../../../common/values/command-end.js';
import type {
  LocalServices,
  ServiceEnd,
  ServiceStatus,
} from '../../../integrations/local-services/local-services.js';
import { isInstanceName } from '../../routes/service-route.js';
import { orAway } from '../or-away.js';
import { type InstanceState, type ListedInstance, ReleaseInstances } from '../release-instances.js';

const STATES: Readonly<Record<ServiceStatus['state'], InstanceState['state']>> = {
  starting: 'running',
  running: 'running',
  backoff: 'left',
  failed: 'left',
  stopped: 'ended',
};

/** Programs of releases. Their supervisor starts them again, and gives them up. */
export class ServiceInstances extends ReleaseInstances {
  readonly type = 'local_service';

  constructor(private readonly services: LocalServices) {
    super();
  }

  async list(): Promise<readonly ListedInstance[]> {
    const all = await orAway(this.services.list());
    return all
      .filter(({ id }) => isInstanceName(id))
      .map(({ id: name, state, pid }) =>
        state === 'running' && pid !== null ? { name, runningPid: pid } : { name },
      );
  }

  async look(name: string): Promise<InstanceState | undefined> {
    const now = await orAway(this.services.status(name));
    if (now === undefined) return undefined;
    const { state, restarts, started_at: startedAt, last_exit: lastExit, pid } = now;
    return {
      ...{ state: STATES[state], end: shownEnd(lastExit), restarts, pid },
      ...(state === 'failed' && { isGivenUp: true }),
      exitCode: lastExit?.kind === 'exited' ? lastExit.code : null,
      startedAt: new Date(startedAt ?? 0),
    };
  }

  said(name: string, lines: number): Promise<readonly string[]> {
    return orAway(this.services.log(name, { tail: lines }));
  }

  async exec(name: string, request: CommandRequest): Promise<CommandEnd | undefined> {
    return orAway(this.services.exec(name, request));
  }

  remove(name: string): Promise<void> {
    return orAway(this.services.remove(name));
  }
}

function shownEnd(end: ServiceEnd | null): string {
  switch (end?.kind) {
    case undefined:
      return 'it does not run';
    case 'exited':
      return `it ended with exit code ${end.code}`;
    case 'signalled':
      return `it was ended by ${end.signal}`;
    case 'not_started':
      return `it could not be started: ${end.message}`;
    case 'unknown':
      return 'it ended while nobody watched';
  }
}
