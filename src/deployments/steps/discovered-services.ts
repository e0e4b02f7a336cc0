import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../common/values/error-message.js';
import { quoted } from '../../common/values/redact-urls.js';
import { isLoopbackHost } from '../../config/loopback.js';
import { nearestName } from '../../engine/expression/nearest-name.js';
import type { RunContext } from '../../engine/plan/plan.js';
import { isServiceName } from '../../engine/steps/deploy/service-name.js';
import { type FoundService, ServiceFinder } from '../../executions/attempt/steps/service-finder.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { portOf } from '../../service-registry/checks/endpoint-url.js';
import { slowestCheck } from '../../service-registry/checks/instance-target.js';
import { timeToPass } from '../../service-registry/checks/service-check.js';
import type { DeployedServices } from '../../service-registry/deployed-services.js';
import type { ServiceStore } from '../../service-registry/record/service-store.js';
import { passing, serviceView, type ServiceView } from '../../service-registry/service-view.js';

const DEFAULT_ENVIRONMENT = 'default';
/** Between two looks at what is about to be decided, and longest time of them, ms. */
const LOOK_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** For a monitor to hear of a switch, ms. */
const MARGIN_MS = 5_000;
/** Names that are looked through for one that is near. */
const MOST_NAMES = 200;

/** Addresses of services for steps: as discovery tells them, to who may hear of it. */
export class DiscoveredServices extends ServiceFinder {
  /** @param host of this worker, on which the steps run */
  constructor(
    private readonly store: ServiceStore,
    private readonly deployed: DeployedServices,
    private readonly host: string,
  ) {
    super();
  }

  override async find(
    name: string,
    { trigger }: RunContext,
    signal: AbortSignal,
  ): Promise<FoundService> {
    const shown = `services['${quoted(name, 130)}']`;
    const none = (why: string): FoundService => ({
      kind: 'unavailable',
      message: `${shown}: ${why}`,
    });
    const parts = name.split('/');
    if (parts.length > 2 || !parts.every(isServiceName)) {
      return none('that is not the name of a service, such as shop or production/shop');
    }
    // All roles may read services; who sends a pull request from elsewhere has none.
    if (trigger.fork === true) {
      return none('pull requests of forks are not told where services answer');
    }
    const id = parts.length === 2 ? name : `${DEFAULT_ENVIRONMENT}/${name}`;
    const until = performance.now() + LONGEST_WAIT_MS;
    for (;;) {
      try {
        const found = await this.look(id, none, signal);
        if (found !== undefined) return found;
      } catch (error) {
        const isAway = isDatabaseUnavailable(error) && performance.now() < until;
        if (!isAway || signal.aborted) {
          return none(`the record of services cannot be read: ${messageOf(error)}`);
        }
      }
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Undefined: it is about to be decided. */
  private async look(
    id: string,
    none: (why: string) => FoundService,
    signal: AbortSignal,
  ): Promise<FoundService | undefined> {
    const view = await this.viewOf(id);
    if (view === undefined) return none(await this.unknown(id));
    const isLast = signal.aborted || !(await this.isBeingDecided(view));
    return isLast || addressesOf(view).length > 0 ? this.addressOf(view, none) : undefined;
  }

  /** What is seen may still be of the release before: its checks have had no time to tell. */
  private async isBeingDecided(view: ServiceView): Promise<boolean> {
    const { id, watched, deployed } = view;
    if (deployed === undefined || watched === undefined) return false;
    const checks = view.checks.map(({ check }) => check);
    const passingMs = timeToPass(slowestCheck(watched.check, checks));
    const neededMs = Math.min(passingMs + MARGIN_MS, LONGEST_WAIT_MS);
    const serving = (await this.deployed.switches(id)).find(({ isServing }) => isServing);
    return serving !== undefined && Date.now() - serving.from.getTime() < neededMs;
  }

  private addressOf(view: ServiceView, none: (why: string) => FoundService): FoundService {
    const { id, endpoints, reason, deployed } = view;
    const hint = `see ./millrace services show ${id}`;
    if (endpoints.length === 0) return none(`no endpoint of ${id} is known; ${hint}`);
    const urls = addressesOf(view);
    if (urls.length === 0) return none(`no endpoint of ${id} passes: ${reason.message}; ${hint}`);
    const isElsewhere = deployed !== undefined && deployed.host !== this.host;
    const url = urls.find((one) => !isElsewhere || !isLoopbackHost(new URL(one).hostname));
    if (url === undefined) {
      return none(
        `${id} answers only on its own host ${deployed?.host ?? ''}, and this step runs on ${this.host}: bring the step there by runs_on`,
      );
    }
    const { hostname } = new URL(url);
    return { kind: 'found', service: { url, host: hostname, port: portOf(url) } };
  }

  private async viewOf(id: string): Promise<ServiceView | undefined> {
    const [watched, deployed] = await Promise.all([this.store.find(id), this.deployed.find(id)]);
    if (!watched && !deployed) return undefined;
    const shard = watched && (await this.store.shard(watched.shard));
    return serviceView({ watched, deployed, shard }, Date.now());
  }

  private async unknown(id: string): Promise<string> {
    const [watched, deployed] = await Promise.all([
      this.store.page({ limit: MOST_NAMES }),
      this.deployed.page({ limit: MOST_NAMES }),
    ]);
    const ids = [...watched.items.map(({ _id }) => _id), ...deployed.items.map((one) => one.id)];
    const [environment = '', name = ''] = id.split('/');
    const elsewhere = ids.find((one) => one.endsWith(`/${name}`));
    const same = ids.filter((one) => one.startsWith(`${environment}/`));
    const near = elsewhere ?? nearestName(id, same.length > 0 ? same : ids);
    const meant = near === undefined ? '' : `; did you mean services['${near}']?`;
    return `there is no service ${id}${meant}`;
  }
}

/**
 * Those that pass. Of a release that was just put into service, and at which no check has decided
 * anything yet, they are where it has passed its gate.
 */
function addressesOf(view: ServiceView): readonly string[] {
  const { status, deployed, checks, endpoints } = view;
  if (status !== 'starting' || deployed?.status !== 'running') return passing(view);
  const isUndecided = [...checks, ...endpoints].every((one) => one.status === 'starting');
  return isUndecided ? deployed.endpoints : [];
}
