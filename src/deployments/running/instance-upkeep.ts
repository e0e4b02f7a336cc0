import { fewAtOnce } from '../../common/async/few-at-once.js';
import { messageOf } from '../../common/values/error-message.js';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import type { Leases } from '../../leases/leases.js';
import {
  type Deployment,
  hasDrain,
  placed,
  type Release,
  type Service,
} from '../record/deployment.js';
import { instanceName, instanceNamed } from '../routes/service-route.js';
import { nameOf } from '../targets/routed.target.js';
import {
  DeployRefusedError,
  type ReleaseRunner,
  TargetAwayError,
} from '../targets/deploy-target.js';
import { deploymentReasons } from './deployment-reasons.js';
import { InstanceRestarts } from './instance-restarts.js';
import { drainsBeyond, MOST_DRAINING } from './many-drains.js';
import { isForLater } from '../targets/is-for-later.js';
import { LeftReleases, type LeftReleasesParts } from './left-releases.js';
import type { ListedInstance, ReleaseInstances } from '../targets/release-instances.js';
import { QuietServices } from './quiet-services.js';
import { ReleaseWatch } from './release-watch.js';

const ROUND_MS = 1_000;
/** Of services. */
const AT_ONCE = 8;
/** Longer than a round; a process that was killed keeps others away for so long. */
const TURN_MS = 30_000;
const USED_UP = deploymentReasons.restartsUsedUp({ number: 0 }, '').code;

export interface InstanceUpkeepParts extends LeftReleasesParts {
  readonly instances: ReleaseInstances;
  /** Starts and stops what `instances` has. */
  readonly runner: ReleaseRunner;
  readonly leases: Leases;
  readonly host: string;
}

/**
 * Of the instances of one type on this host exactly those run that the record wants: the release
 * that serves, those that drain, and the one that is being deployed. One that ends is started
 * again, with longer and longer pauses, where nothing else does that. Of releases that nobody needs
 * nothing stays.
 */
export class InstanceUpkeep extends BackgroundRounds {
  private readonly restarts = new InstanceRestarts();
  private readonly watch: ReleaseWatch;
  private readonly left: LeftReleases;
  private readonly quiet = new QuietServices();
  /** By name: ends of instances that are under way. A program that ignores TERM takes 10 s. */
  private readonly ending = new Map<string, Promise<void>>();
  /** By service: what is wrong with it, told once. */
  private readonly told = new Map<string, string>();
  /** Names of instances that no record tells of, told once. */
  private readonly strangers = new Set<string>();

  constructor(private readonly parts: InstanceUpkeepParts) {
    super({ everyMs: ROUND_MS, unref: true });
    this.watch = new ReleaseWatch(parts.store, parts.runner);
    this.left = new LeftReleases(parts);
  }

  protected async work(now: number): Promise<void> {
    const { store, host, leases, instances } = this.parts;
    const services = (await store.servicesOn(host)).filter(
      ({ service_type: type }) => type === instances.type,
    );
    if (services.length === 0) return;
    const turn = await leases.take(`instances.${instances.type}.${host}`, TURN_MS);
    if (turn === undefined) return;
    try {
      // Listed first: what is made behind it is not there to be removed.
      const there = Map.groupBy(await instances.list(), ({ name }) => beforeNumber(name));
      const wanted = new Set<string>();
      await fewAtOnce(services, AT_ONCE, async (service) => {
        const own = there.get(prefixOf(service._id)) ?? [];
        const names = own.map(({ name }) => name);
        if (this.quiet.has(service, own, now)) for (const name of names) wanted.add(name);
        else await this.keepAlone(service._id, now, new Set(names), wanted);
      });
      await this.removeUnwanted(there, wanted);
    } catch (error) {
      if (!(error instanceof TargetAwayError)) throw error;
      this.logger.debug({ err: error }, 'what runs the instances is away');
    } finally {
      await turn.release();
    }
  }

  /**
   * What is wrong with one service costs the others nothing.
   * @param there instances of this service @param wanted by name, of all services
   */
  private async keepAlone(
    serviceId: string,
    now: number,
    there: ReadonlySet<string>,
    wanted: Set<string>,
  ): Promise<void> {
    try {
      await this.keep(serviceId, now, there, wanted);
      this.told.delete(serviceId);
    } catch (error) {
      if (isForLater(error)) throw error;
      const message = messageOf(error);
      if (this.told.get(serviceId) === message) return;
      this.told.set(serviceId, message);
      this.logger.error({ err: error, service: serviceId }, 'a service could not be kept');
    }
  }

  private async keep(
    serviceId: string,
    now: number,
    there: ReadonlySet<string>,
    wanted: Set<string>,
  ): Promise<void> {
    const { store } = this.parts;
    this.quiet.forget(serviceId);
    const releases = await store.releasesOf(serviceId);
    // Read behind the releases: what serves by now is wanted, whatever was read of them.
    const service = await store.service(serviceId);
    const active = await this.activeOf(service);
    const deployed = active?.release_id ?? undefined;
    await this.endDrains(releases, now, deployed);
    for (const release of releases) {
      const { _id } = release;
      const name = nameOf(release);
      const isServing = _id === service?.release_id && !service.stopped;
      if (_id === deployed || mayRun(release, service, now)) wanted.add(name);
      // Until a restart has switched, the instance that it is to replace is what serves.
      if (isServing && (_id !== deployed || active?.kind === 'restart')) {
        if (!service.active) await this.watch.look(release, service, now);
        await this.keepRunning(release, service, now);
      } else if (!wanted.has(name) && there.has(name)) {
        this.stop(release, now);
      }
      if (_id !== deployed) this.stopOthers(release, there, now);
    }
    const removed = service === undefined ? [] : await this.left.removeOf(service, releases);
    for (const number of removed) {
      this.logger.log({ service: serviceId }, `release ${number}, which was left, is removed`);
    }
    if (service) this.quiet.note(service, releases, (one) => !this.restarts.has(one), now);
  }

  /** Other instances of a release, which a restart has replaced or could not end, and no drain. */
  private stopOthers(release: Release, there: ReadonlySet<string>, now: number): void {
    if (there.size === 0) return;
    const { service_id: serviceId, number } = release;
    const first = instanceName(serviceId, number);
    for (const name of there) {
      const instance = instanceNamed(name, first);
      if (instance === undefined || instance === (release.instance ?? 0)) continue;
      if (hasDrain(release, instance, now)) continue;
      const { store, runner } = this.parts;
      this.end(release, name, async () => {
        // A restart that has begun or ended since it was listed may have made it the right one.
        if ((await this.deployedOn(await store.service(serviceId))) === release._id) return;
        const seen = await store.release(release._id);
        if (seen === undefined || (seen.instance ?? 0) === instance) return;
        if (hasDrain(seen, instance, now)) return;
        await runner.stop({ ...placed(seen), instance });
        this.logger.log({ service: serviceId, instance: name }, 'a replaced instance is stopped');
      });
    }
  }

  /**
   * It may be that somebody has begun to bring the release back, and has not started it yet; or
   * that it drains since a moment ago.
   */
  private stop(release: Release, now: number): void {
    const { store, runner } = this.parts;
    this.end(release, nameOf(release), async () => {
      const service = await store.service(release.service_id);
      if ((await this.deployedOn(service)) === release._id) return;
      // Read behind the service: where that says who serves by now, this says what became of it.
      const seen = await store.release(release._id);
      if (seen !== undefined && mayRun(seen, service, now)) return;
      await runner.stop(placed(release));
      this.logger.log({ service: release.service_id }, `release ${release.number} is stopped`);
    });
  }

  /** Begins it: no round waits for it, so that none keeps others waiting. Once at a time. */
  private end(release: Release, name: string, work: () => Promise<void>): void {
    if (this.ending.has(name)) return;
    const ended = this.parts.turns
      .tryNow(release, work)
      .catch((error: unknown) => {
        this.logger[isForLater(error) ? 'debug' : 'error'](
          { err: error, instance: name },
          'not ended yet',
        );
      })
      .then(() => void this.ending.delete(name));
    this.ending.set(name, ended);
  }

  /** Resolves when what the rounds have begun to end is ended. */
  async settled(): Promise<void> {
    await Promise.all(this.ending.values());
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await this.settled();
  }

  /** The release that whoever has the service makes, or brings back. */
  private async deployedOn(service: Service | undefined): Promise<string | undefined> {
    return (await this.activeOf(service))?.release_id ?? undefined;
  }

  private async activeOf(service: Service | undefined): Promise<Deployment | undefined> {
    return service?.active ? this.parts.store.find(service.active) : undefined;
  }

  /** Those whose time is over, and of too many at once the oldest. */
  private async endDrains(
    releases: readonly Release[],
    now: number,
    deployed: string | undefined,
  ): Promise<void> {
    const all = releases.filter(({ status, _id }) => status === 'draining' && _id !== deployed);
    const draining = all.filter((release) => !isOver(release, now));
    const tooMany = drainsBeyond(draining, MOST_DRAINING);
    for (const release of all) {
      const isTooMany = tooMany.includes(release);
      if (!isTooMany && draining.includes(release)) continue;
      // Whatever makes one drain has made room for it before; its worker may have been killed.
      if (isTooMany) {
        const { service_id: service, number } = release;
        this.logger.warn({ service }, `release ${number} ends before its drain: too many drain`);
      }
      await this.parts.store.endDrain(release._id);
    }
  }

  private async keepRunning(release: Release, seen: Service, now: number): Promise<void> {
    const { instances, runner, store } = this.parts;
    const { _id, number, service_id: service } = release;
    const state = await instances.look(nameOf(release));
    const processId = state?.pid ?? null;
    if (processId !== (seen.process_id ?? null)) await store.setProcess(service, _id, processId);
    if (state?.state === 'running') {
      this.restarts.noteRunning(release, state.startedAt, now);
      if (seen.problem?.code === USED_UP) await store.setProblem(service, _id, null);
      return;
    }
    if (state?.isGivenUp === true) return this.giveUp(release, seen, state.end);
    if (state?.state === 'left') return;
    const why = state === undefined ? 'it is gone' : state.end;
    const next = this.restarts.next(release, now);
    if (next === 'used_up') return this.giveUp(release, seen, why);
    if (next === 'wait') return;
    // A restart may have ended since it was read: then this instance is the one that was replaced.
    if ((await store.release(_id))?.instance !== release.instance) return;
    this.logger.warn({ service }, `release ${number} does not run (${why}): it is started again`);
    try {
      await runner.start(placed(release));
    } catch (error) {
      if (!(error instanceof DeployRefusedError)) throw error;
      this.logger.warn({ service }, `release ${number} does not start: ${error.message}`);
    }
  }

  /** Told until it runs again, or another release serves. What was known before stays known. */
  private async giveUp(release: Release, seen: Service, end: string): Promise<void> {
    if (seen.problem) return;
    const problem = deploymentReasons.restartsUsedUp(release, end);
    await this.parts.store.setProblem(seen._id, release._id, problem);
    this.logger.warn({ service: seen._id }, problem.message);
  }

  /** Of services that were removed. What no release of this host tells of is left alone. */
  private async removeUnwanted(
    there: ReadonlyMap<string, readonly ListedInstance[]>,
    wanted: ReadonlySet<string>,
  ): Promise<void> {
    const { store, instances, host } = this.parts;
    const names = [...there.values()].flat().map(({ name }) => name);
    const left = names.filter((name) => !wanted.has(name));
    // One that is gone may come again as another one's.
    for (const name of this.strangers) if (!left.includes(name)) this.strangers.delete(name);
    const asked = left.filter((name) => !this.strangers.has(name));
    if (asked.length === 0) return;
    // Of a service that was made meanwhile nothing is removed.
    const known = new Set((await store.servicesOn(host)).map(({ _id }) => prefixOf(_id)));
    const others = asked.filter((name) => !known.has(beforeNumber(name)));
    if (others.length === 0) return;
    const recorded = new Set((await store.everServedOn(host)).map(prefixOf));
    for (const name of others) {
      if (recorded.has(beforeNumber(name))) {
        await instances.remove(name);
        this.logger.warn({ instance: name }, 'an instance of a removed service is removed');
      } else {
        this.strangers.add(name);
        this.logger.warn({ instance: name }, 'an instance that no record tells of is left alone');
      }
    }
  }
}

function prefixOf(serviceId: Service['_id']): string {
  return beforeNumber(instanceName(serviceId, 0));
}

/** The part of a name that all instances of a service have. */
function beforeNumber(name: string): string {
  return name.slice(0, name.lastIndexOf('.'));
}

/**
 * Whether it serves, or drains. While a deployment switches a service, the service names the new
 * release first: the one before is `serving` for a moment more, before it is `draining`.
 */
function mayRun(release: Release, service: Service | undefined, now: number): boolean {
  const { _id, status } = release;
  if (_id === service?.release_id && !service.stopped) return true;
  if (status === 'serving') return Boolean(service?.active);
  return status === 'draining' && !isOver(release, now);
}

function isOver({ drain_until: until }: Release, now: number): boolean {
  return (until?.getTime() ?? 0) <= now;
}
