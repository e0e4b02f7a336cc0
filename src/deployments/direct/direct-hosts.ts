import { conflict, type MillraceError } from '../../common/errors/millrace.error.js';
import type { WorkersRepository } from '../../workers/workers.repository.js';
import type { Service } from '../record/deployment.js';

/** Workers that are looked at for a host whose workers have ended. */
const MOST_WORKERS = 1_000;

/** On which host something is deployed that no worker has begun with. */
export class DirectHosts {
  constructor(private readonly workers: Pick<WorkersRepository, 'live' | 'list'>) {}

  /**
   * Where the service lives; else where it is asked for; else the only host that has workers. It
   * waits there until a worker of it is back, as a promotion does.
   *
   * @throws ConflictError
   */
  async choose(service: Service | undefined, asked: string | undefined): Promise<string> {
    const lives = service?.release_id == null ? undefined : service.host;
    if (lives !== undefined) {
      if (asked === undefined || asked === lives) return lives;
      throw conflict(`${service?._id ?? ''} lives on the host ${lives}.`, {
        suggestions: ['Leave host out, or deploy it under another name.'],
      });
    }
    const live = await this.liveHosts();
    const [only, ...more] = live;
    if (asked !== undefined) {
      if (live.includes(asked) || (await this.hasEverWorked(asked))) return asked;
      throw noSuchHost(asked, live);
    }
    if (only === undefined) throw noHost();
    if (more.length > 0) throw severalHosts(live);
    return only;
  }

  private async liveHosts(): Promise<readonly string[]> {
    const live = await this.workers.live();
    return [...new Set(live.map(({ host }) => host))].sort();
  }

  private async hasEverWorked(host: string): Promise<boolean> {
    const known = await this.workers.list(MOST_WORKERS);
    return known.some((worker) => worker.host === host);
  }
}

/** 409 */
export function severalHosts(hosts: readonly string[]): MillraceError {
  return conflict(`Workers run on several hosts: ${hosts.join(', ')}.`, {
    details: { hosts },
    suggestions: [`Add "host": "${hosts[0] ?? ''}" (./millrace deploy … --host).`],
  });
}

/** 409 */
function noHost(): MillraceError {
  return conflict('No worker runs, so nothing is known on which host it would be.', {
    suggestions: ['Start a worker, or add "host", the name of a host that has had one.'],
  });
}

/** 409 */
function noSuchHost(host: string, live: readonly string[]): MillraceError {
  return conflict(`No worker is known on a host ${host}.`, {
    details: { hosts: live },
    suggestions: [live.length === 0 ? 'No worker runs now.' : `Workers run on ${live.join(', ')}.`],
  });
}
