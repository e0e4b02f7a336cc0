import { Injectable } from '@nestjs/common';
import {
  conflict,
  notFound,
  serviceUnavailable,
  unprocessable,
  validationError,
  type MillraceError,
} from '../common/errors/millrace.error.js';
import type { Changed } from '../common/audit/changed.js';
import type { Principal } from '../auth/principals/principal.js';
import { type Page, type PageRequest } from '../common/http/paging.js';
import { uuidV7 } from '../common/ids/uuid.js';
import { AddressPolicy, AddressRefusedError } from '../common/net/address-policy.js';
import { checkedAddresses } from '../common/net/checked-addresses.js';
import { MillraceConfig } from '../config/millrace-config.js';
import type { ServiceStatus } from './checks/service-status.js';
import { DEFAULT_CHECK } from './checks/service-check.js';
import {
  type DeployedService,
  DeployedServices,
  type InstanceRequest,
  type OwnedThings,
} from './deployed-services.js';
import { ServiceRemoval } from './service-removal.js';
import { cycleOf } from './dependencies/dependency-graph.js';
import { RootCauses } from './dependencies/root-causes.js';
import { serviceIdOf } from './record/service-id.js';
import { ServiceStore } from './record/service-store.js';
import {
  type NewWatchedService,
  REGISTERED_SHARD,
  type ServiceSettings,
  type WatchedService,
} from './record/watched-service.js';
import {
  type AskedSettings,
  askedHosts,
  mustBeSeen,
  mustHaveInstance,
  NO_SETTINGS,
  settingsAfter,
} from './service-settings.js';
import { passing, type ServiceParts, serviceView, type ServiceView } from './service-view.js';

/** By which a request names a service. */
export type ServiceName =
  { readonly uuid: string } | { readonly environment: string; readonly name: string };

/** What the removal of a service would do. */
export interface PlannedRemoval {
  readonly environment: string;
  readonly name: string;
  readonly owned: readonly OwnedThings[];
}

export interface ServiceFilter {
  readonly environment?: string | undefined;
  readonly name?: string | undefined;
  readonly tag?: string | undefined;
  readonly status?: ServiceStatus | undefined;
}

/** Services that are read at once while looking for those of a filter. */
const READ_AT_ONCE = 200;

/** The registry as the API shows and changes it. */
@Injectable()
export class ServicesService {
  private readonly policy: AddressPolicy;
  private readonly rootCauses: RootCauses;

  constructor(
    private readonly store: ServiceStore,
    private readonly deployed: DeployedServices,
    private readonly removal: ServiceRemoval,
    config: MillraceConfig,
  ) {
    this.policy = new AddressPolicy(config.allowPrivateUrls);
    this.rootCauses = new RootCauses(store, deployed);
  }

  /** What was deployed and what was registered, by environment and name. */
  async list(filter: ServiceFilter, { limit, after }: PageRequest): Promise<Page<ServiceView>> {
    const found: ServiceView[] = [];
    let from = after;
    do {
      const page = await this.merged({
        limit: READ_AT_ONCE,
        ...(from !== undefined && { after: from }),
      });
      found.push(...page.items.filter((view) => matches(view, filter)));
      from = page.next;
    } while (from !== undefined && found.length <= limit);
    const items = await this.withRoots(found.slice(0, limit));
    const last = items.at(-1);
    return found.length > limit && last ? { items, next: last.id } : { items };
  }

  /** @throws NotFoundError */
  async get(name: ServiceName): Promise<ServiceView> {
    const view = await this.find(name);
    if (view === undefined) throw notFound('service', shownName(name));
    const [shown = view] = await this.withRoots([view]);
    return shown;
  }

  /** @throws ValidationError, ConflictError: the name is taken; UnprocessableError: an address */
  async register(
    self: { readonly environment: string; readonly name: string },
    asked: AskedSettings,
    by: string,
  ): Promise<ServiceView> {
    const id = serviceIdOf(self.environment, self.name);
    const settings = settingsAfter(self, NO_SETTINGS, asked);
    mustHaveInstance(settings.checks, undefined);
    mustBeSeen(settings);
    await this.mustHaveNoCycle(id, settings.dependencies);
    await this.mustBeAllowed(settings);
    const deployed = await this.deployed.find(id);
    if (deployed) throw serviceTaken(id, 'deployed');
    if (!(await this.store.insert(newService(self, settings, by)))) {
      throw serviceTaken(id, 'registered');
    }
    return this.get(self);
  }

  /**
   * @throws NotFoundError, ValidationError
   * @throws UnprocessableError an address, or a check that needs an instance
   * @throws AuthorizationError a command in an instance takes who may deploy there
   */
  async change(name: ServiceName, asked: AskedSettings, by: Principal): Promise<ServiceView> {
    const { watched, deployed, environment, name: own } = await this.get(name);
    const self = { environment, name: own };
    const before = watched ?? NO_SETTINGS;
    const settings = settingsAfter(self, before, asked);
    if (deployed === undefined) mustBeSeen(settings);
    const id = serviceIdOf(environment, own);
    if (asked.checks) {
      mustHaveInstance(settings.checks, deployed?.type);
      const runsCommands = settings.checks.some(({ type }) => type === 'exec');
      if (runsCommands) await this.deployed.mustBeDeployer(id, by);
    }
    if (asked.dependencies) await this.mustHaveNoCycle(id, settings.dependencies);
    await this.mustBeAllowed(settings);
    if (watched === undefined)
      await this.store.insert(newService(self, settings, by.id, deployed?.uuid));
    const changed = await this.store.change(id, settings, new Date(), uuidV7());
    if (!changed) throw notFound('service', shownName(name));
    return this.get(self);
  }

  /**
   * A service with a record in the registry, which is made for one that was deployed only.
   * @throws NotFoundError
   */
  async registered(name: ServiceName, by: string): Promise<ServiceView> {
    const { watched, deployed, ...view } = await this.get(name);
    if (watched) return { ...view, watched, deployed };
    await this.store.insert(newService(view, NO_SETTINGS, by, deployed?.uuid));
    return this.get(name);
  }

  /** What its removal would take away; of what was registered nothing is deployed. */
  async planRemoval(name: ServiceName): Promise<PlannedRemoval> {
    const { id, environment, name: own, deployed } = await this.get(name);
    return { environment, name: own, owned: deployed ? await this.deployed.owned(id) : [] };
  }

  /**
   * What is deployed goes with all that it has; that takes a while.
   * @returns the deployment that does so; undefined: it is done
   * @throws NotFoundError; of what is deployed as `DeployedServices.remove`
   */
  async remove(name: ServiceName, by: Principal): Promise<string | undefined> {
    const { id, deployed } = await this.get(name);
    if (deployed) return this.deployed.remove(id, by);
    await this.removal.remove(id);
    return undefined;
  }

  /**
   * Asks that the instance of what was deployed is stopped, started or restarted.
   * @returns the deployment that does so
   * @throws NotFoundError; ConflictError: Millrace has not deployed it; as
   *   `DeployedServices.askInstance`
   */
  async askInstance(
    name: ServiceName,
    request: InstanceRequest,
    by: Principal,
    reason?: string,
  ): Promise<string> {
    const { id, deployed } = await this.get(name);
    if (!deployed) throw notRunHere(id);
    return this.deployed.askInstance(id, request, by, reason);
  }

  /**
   * Notes that a service lives. One of a name that is not known is registered by it: only its
   * heartbeats tell of it then.
   * @throws NotFoundError: a UUID that is not known; ValidationError
   */
  async heartbeat(
    name: ServiceName,
    asked: { readonly ttlSeconds: number; readonly endpoints: readonly string[] },
    by: string,
  ): Promise<Changed<ServiceView>> {
    const known = await this.find(name);
    if (known === undefined && 'uuid' in name) throw notFound('service', name.uuid);
    const self = known ?? (name as { environment: string; name: string });
    const isNew = known?.watched === undefined;
    if (isNew) {
      const check = { ...DEFAULT_CHECK, enabled: false };
      const { endpoints, ttlSeconds: ttl_seconds } = asked;
      const settings = settingsAfter(self, { ...NO_SETTINGS, check }, { endpoints, ttl_seconds });
      await this.store.insert(newService(self, settings, by, known?.uuid));
    }
    const id = serviceIdOf(self.environment, self.name);
    const ttl = asked.ttlSeconds;
    if (!(await this.store.beat(id, uuidV7(), new Date(), ttl))) throw notFound('service', id);
    return { value: await this.get(self), isChanged: isNew };
  }

  /**
   * Endpoints to which a request may go now: those that pass.
   * @throws NotFoundError, ServiceUnavailableError: there are none
   */
  async discover(environment: string, name: string): Promise<ServiceView> {
    const view = await this.get({ environment, name });
    if (passing(view).length > 0) return view;
    const { id, status, reason, endpoints } = view;
    const isUnknown = endpoints.length === 0 && status !== 'stopped';
    const why = isUnknown ? 'no endpoint of it is known' : reason.message;
    throw noEndpointPasses(id, status, isUnknown ? 'no_endpoints' : reason.code, why);
  }

  private async find(name: ServiceName): Promise<ServiceView | undefined> {
    const parts = await this.parts(name);
    if (!parts.watched && !parts.deployed) return undefined;
    const shard = parts.watched && (await this.store.shard(parts.watched.shard));
    return serviceView({ ...parts, shard }, Date.now());
  }

  private async parts(name: ServiceName): Promise<ServiceParts> {
    if ('name' in name) {
      const id = serviceIdOf(name.environment, name.name);
      const [watched, deployed] = await Promise.all([this.store.find(id), this.deployed.find(id)]);
      return { watched, deployed };
    }
    const watched = await this.store.findByUuid(name.uuid);
    if (watched) return { watched, deployed: await this.deployed.find(watched._id) };
    const deployed = await this.deployed.findByUuid(name.uuid);
    return { watched: deployed && (await this.store.find(deployed.id)), deployed };
  }

  private async merged(page: PageRequest): Promise<Page<ServiceView>> {
    const [watched, deployed, shards] = await Promise.all([
      this.store.page(page),
      this.deployed.page(page),
      this.store.shards(),
    ]);
    const byId = new Map<string, { watched?: WatchedService; deployed?: DeployedService }>();
    for (const one of watched.items) byId.set(one._id, { watched: one });
    for (const one of deployed.items) byId.set(one.id, { ...byId.get(one.id), deployed: one });
    const ids = [...byId.keys()].sort((a, b) => (a < b ? -1 : 1)).slice(0, page.limit);
    const last = ids.at(-1);
    const hasMore =
      byId.size > ids.length || watched.next !== undefined || deployed.next !== undefined;
    const now = Date.now();
    const items = ids.map((id) => {
      const parts = byId.get(id) ?? {};
      return serviceView({ ...parts, shard: shards.get(parts.watched?.shard ?? '') }, now);
    });
    return hasMore && last !== undefined ? { items, next: last } : { items };
  }

  private async withRoots(views: readonly ServiceView[]): Promise<readonly ServiceView[]> {
    const roots = await this.rootCauses.of(views);
    return views.map((view) => ({ ...view, rootCause: roots.get(view.id) }));
  }

  /** @throws ValidationError: it would need itself, over others */
  private async mustHaveNoCycle(id: string, dependencies: readonly string[]): Promise<void> {
    const needs = new Map([[id, dependencies]]);
    for (let left = dependencies; left.length > 0;) {
      const ids = left.filter((one) => !needs.has(one));
      for (const one of ids) needs.set(one, []);
      const found = await this.store.among(ids);
      for (const [one, service] of found) needs.set(one, service.dependencies);
      left = ids.flatMap((one) => needs.get(one) ?? []);
    }
    const cycle = cycleOf(id, (one) => needs.get(one) ?? []);
    if (cycle === undefined) return;
    const message = `dependencies would make a circle: ${cycle.join(' needs ')}`;
    throw validationError(`${id} would need itself.`, {
      details: [{ path: 'dependencies', code: 'cycle', message }],
      suggestions: ['Leave out one of the dependencies that `details` names.'],
    });
  }

  /** A name that cannot be resolved now may be resolved later: its probes say so. */
  private async mustBeAllowed(settings: ServiceSettings): Promise<void> {
    for (const host of askedHosts(settings)) {
      try {
        await checkedAddresses(this.policy, host);
      } catch (error) {
        if (!(error instanceof AddressRefusedError)) continue;
        throw addressRefused(host, error.message);
      }
    }
  }
}

function newService(
  { environment, name }: { readonly environment: string; readonly name: string },
  settings: ServiceSettings,
  by: string,
  uuid = uuidV7(),
): NewWatchedService {
  const now = new Date();
  return {
    ...{ _id: serviceIdOf(environment, name), id: uuid, name, environment },
    ...{ shard: REGISTERED_SHARD, ...settings, last_heartbeat: null, revision: uuidV7() },
    ...{ created_by: by, created_at: now, updated_at: now },
  };
}

function matches(view: ServiceView, { environment, name, tag, status }: ServiceFilter): boolean {
  if (environment !== undefined && view.environment !== environment) return false;
  if (name !== undefined && view.name !== name) return false;
  if (tag !== undefined && !(view.watched?.tags.includes(tag) ?? false)) return false;
  return status === undefined || view.status === status;
}

function shownName(name: ServiceName): string {
  return 'uuid' in name ? name.uuid : serviceIdOf(name.environment, name.name);
}

/** 409 */
export function serviceTaken(id: string, how: 'deployed' | 'registered'): MillraceError {
  return conflict(`${id} is ${how} already.`, {
    suggestions: [`See what there is: ./millrace services show ${id}`],
  });
}

/** 409 */
export function notRunHere(id: string): MillraceError {
  return conflict(`${id} was registered: Millrace does not run it.`, {
    suggestions: ['Stop and start it where it runs.'],
  });
}

/** 422: the policy of the server does not let it connect there. */
export function addressRefused(host: string, message: string): MillraceError {
  return unprocessable(message, {
    details: { host, code: 'address_refused' },
    suggestions: [
      'Let the service send heartbeats instead: "check": {"enabled": false} and "ttl_seconds".',
    ],
  });
}

/** 503 @param why in words; `code` tells it to programs */
export function noEndpointPasses(
  id: string,
  status: string,
  code: string,
  why: string,
): MillraceError {
  return serviceUnavailable(`No endpoint of ${id} passes: ${why}.`, {
    details: { status, code, reason: why },
    suggestions: [`What each of its endpoints answers: ./millrace services show ${id}`],
  });
}
