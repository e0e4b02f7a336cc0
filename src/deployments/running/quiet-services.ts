import type { Release, Service } from '../record/deployment.js';
import { nameOf } from '../targets/routed.target.js';
import type { ListedInstance } from '../targets/release-instances.js';

/** One that runs, and of which nothing is to be done, is looked at so often all the same. */
const QUIET_MS = 30_000;

/** How a service was when nothing was to be done. */
interface Quiet {
  readonly release: string;
  /** Name of its only instance; null: it is stopped, and has none. */
  readonly instance: string | null;
  readonly until: number;
}

/**
 * Services of which nothing is to be done, and nothing has to be asked: a hundred of them cost no
 * more than their list. Only a deployment, or an end of its program, changes that.
 */
export class QuietServices {
  private readonly quiet = new Map<string, Quiet>();

  /** @param own its instances now @param now ms */
  has(service: Service, own: readonly ListedInstance[], now: number): boolean {
    const known = this.quiet.get(service._id);
    const [one, ...others] = own;
    if (known?.instance === null && one === undefined) {
      const isSame = service.release_id === known.release && Boolean(service.stopped);
      return isSame && !service.active && now < known.until;
    }
    if (known === undefined || one?.runningPid === undefined || others.length > 0) return false;
    const isSame = service.release_id === known.release && one.name === known.instance;
    return isSame && !service.active && one.runningPid === service.process_id && now < known.until;
  }

  /** Before it is looked at. */
  forget(serviceId: string): void {
    this.quiet.delete(serviceId);
  }

  /**
   * Notes it where nothing is to be done until something changes.
   *
   * @param isKept of the release that serves: nobody is about to start it again
   */
  note(
    service: Service,
    releases: readonly Release[],
    isKept: (release: Release) => boolean,
    now: number,
  ): void {
    const serving = releases.find(({ _id }) => _id === service.release_id);
    if (serving === undefined || service.active || !isKept(serving)) return;
    if (serving.watch_until || releases.some(({ status }) => status === 'draining')) return;
    const until = now + QUIET_MS;
    const instance = service.stopped ? null : nameOf(serving);
    this.quiet.set(service._id, { release: serving._id, instance, until });
  }
}
