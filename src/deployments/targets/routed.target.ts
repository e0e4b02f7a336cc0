import { setTimeout as delay } from 'node:timers/promises';
import { MillraceError } from '../../common/errors/millrace.error.js';
import { failPoint } from '../../common/fail-point.js';
import { MaskSet } from '../../common/redaction/mask-set.js';
import { quoted } from '../../common/values/redact-urls.js';
import type { InstanceCheck } from '../../engine/steps/deploy/deploy-action.js';
import type { ProbeResult } from '../../service-registry/checks/service-check.js';
import type { Reason } from '../../engine/plan/run-state.js';
import {
  type ReverseProxy,
  RoutesRefusedError,
} from '../../integrations/reverse-proxy/reverse-proxy.js';
import type { StepFiles } from '../../executions/attempt/steps/deployer.js';
import type { PortLeases } from '../../ports/port-leases.js';
import type { PortOwner } from '../../ports/port-lease.js';
import type { RoutedSettings } from '../record/deployment.js';
import type { SealedTexts } from '../record/sealed-texts.js';
import type { ProxyRoutes } from '../routes/proxy-routes.js';
import {
  instanceName,
  instanceOf,
  instanceOwner,
  listenOf,
  releaseOf,
  routeOwner,
  routePlace,
  shortName,
} from '../routes/service-route.js';
import {
  DeployRefusedError,
  DeployTarget,
  type PlacedRelease,
  type ReleaseLook,
  type ReleaseRunner,
} from './deploy-target.js';
import { passGate, probe } from './instance-gate.js';
import { commandResult, containerResult } from './instance-check.js';
import { orAway } from './or-away.js';
import type { InstanceState, ReleaseInstances } from './release-instances.js';

/** Of an instance that tell why it does not pass. */
const LAST_LINES = 20;
/** Of what somebody asks for of a log. */
const MOST_LOG_BYTES = 256 * 1024;
/** At what runs to its end, ms. */
const BETWEEN_LOOKS_MS = 250;
/** Characters of a command that are shown. */
const SHOWN = 200;

export interface RoutedParts {
  readonly proxy: ReverseProxy;
  readonly routes: Pick<ProxyRoutes, 'ensureRoute' | 'ensureNoRoute' | 'ensureClosed'>;
  readonly ports: PortLeases;
  readonly sealed: SealedTexts;
  /** Name of this host. */
  readonly host: string;
}

/** What an instance is started with. */
export interface InstanceStart {
  /** Of this host, at 127.0.0.1: where the outside reaches it. */
  readonly port: number;
  /** As the step gave them, with the values of secrets. */
  readonly variables: readonly (readonly [name: string, value: string])[];
  /** What it runs instead, to its end, once. */
  readonly once?: string | readonly string[];
}

/**
 * Releases that are programs of this host. Each instance listens at a port of its own, at
 * 127.0.0.1; the reverse proxy is what the outside reaches, and its upstream says which one serves.
 * Who extends it says how an instance is made and started.
 */
export abstract class RoutedTarget<S extends RoutedSettings> extends DeployTarget<S> {
  override readonly runner: ReleaseRunner<S> = {
    start: (release) => orAway(this.start(release)),
    gate: (release, tell, signal) => orAway(this.gate(release, tell, signal)),
    warnings: (release) => orAway(this.warnings(release)),
    before: ({ before_switch: command }) => shownCommand(command),
    runBefore: (release, tell, signal) => orAway(this.runBefore(release, tell, signal)),
    instanceServing: (settings) => this.instanceServing(settings),
    probe: (release) => orAway(this.probed(release)),
    answer: (release) => orAway(this.answered(release)),
    closed: ({ service_id: id }) => orAway(this.parts.routes.ensureClosed(shortName(id))),
    stop: (release) => orAway(this.stop(release)),
    drainMs: ({ drain }) => drain,
    keepAssetsMs: ({ keep_assets: ms = 0 }) => ms,
    watchMs: ({ watch = 0 }) => watch,
  };

  /** @param instances those that `launch` starts */
  protected constructor(
    private readonly parts: RoutedParts,
    readonly instances: ReleaseInstances,
  ) {
    super();
  }

  plan(serviceId: string, { published }: S): Promise<readonly Reason[]> {
    return orAway(this.planned(serviceId, published));
  }

  arm(release: PlacedRelease<S>, token: string): Promise<void> {
    return orAway(this.armed(release, token));
  }

  async switchTo({ service_id: id }: PlacedRelease<S>, token: string): Promise<void> {
    await orAway(this.parts.proxy.switchTo(shortName(id), token));
  }

  async disarm({ service_id: id }: S): Promise<void> {
    await orAway(this.parts.proxy.disarm(shortName(id)));
  }

  async serving(settings: S): Promise<number | undefined> {
    const owner = await this.ownerServing(settings);
    return owner ? releaseOf(owner) : undefined;
  }

  async remove(release: PlacedRelease<S>): Promise<void> {
    await orAway(this.stop(release));
    await orAway(this.drop(release));
  }

  override filesOf(_release: PlacedRelease<S>): StepFiles {
    return { packed: () => Promise.reject(new Error('it has no files')) };
  }

  async withdraw({ settings }: PlacedRelease<S>): Promise<void> {
    await this.disarm(settings);
  }

  async forget(serviceId: string): Promise<void> {
    await orAway(this.forgotten(serviceId));
  }

  /** One check of the instance itself. @throws TargetAwayError: what runs it cannot be asked */
  check(release: PlacedRelease<S>, check: InstanceCheck): Promise<ProbeResult> {
    return orAway(this.checked(release, check));
  }

  /** The last lines of it, at most 256 KiB, without its secrets. @throws TargetAwayError */
  lastLines(release: PlacedRelease<S>, lines: number): Promise<readonly string[]> {
    return orAway(this.maskedLines(release, lines, MOST_LOG_BYTES));
  }

  placeOf({ service_id: id, published }: S): string {
    return routePlace(id, published);
  }

  /** Starts the instance; one that runs is left alone. @throws DeployRefusedError */
  protected abstract launch(release: PlacedRelease<S>, start: InstanceStart): Promise<void>;

  /** Removes what of a release is left when no instance of it runs. Idempotent. */
  protected abstract drop(release: PlacedRelease<S>): Promise<void>;

  /** Where it listens instead, for a sentence; undefined: nothing is known of that. */
  protected abstract elsewhere(
    release: PlacedRelease<S>,
    port: number,
  ): Promise<string | undefined>;

  /**
   * Where others reach it past the proxy, for a sentence; undefined: nowhere, or nothing is known.
   * Default: what runs it lets nobody do so.
   */
  protected openAt(_release: PlacedRelease<S>, _port: number): Promise<string | undefined> {
    return Promise.resolve(undefined);
  }

  private async warnings(release: PlacedRelease<S>): Promise<readonly Reason[]> {
    const open = await this.openAt(release, await this.portOf(release));
    if (open === undefined) return [];
    const { number } = release;
    const message = `release ${number} listens at ${open}: who reaches this host reaches it there, past the proxy; let it listen at 127.0.0.1 only`;
    return [{ code: 'open_to_others', message, data: { release: number } }];
  }

  private async instanceServing(settings: S): Promise<number | undefined> {
    const owner = await this.ownerServing(settings);
    return owner ? instanceOf(owner) : undefined;
  }

  /** Whose port new requests go to. */
  private async ownerServing({ service_id: id }: S): Promise<PortOwner | undefined> {
    const { proxy, ports, host } = this.parts;
    const upstream = await orAway(proxy.upstreamOf(shortName(id)));
    if (upstream === undefined) return undefined;
    const leases = await ports.list({ host, owner: { service: id } });
    return leases.find(({ port }) => port === upstream.port)?.owner ?? undefined;
  }

  private async planned(serviceId: string, published: S['published']): Promise<readonly Reason[]> {
    // Whether what runs them is there at all.
    await this.instances.list();
    if ('domain' in published) return [];
    const { port } = published;
    try {
      await this.parts.ports.take({
        owner: routeOwner(serviceId),
        name: 'public',
        ...(port !== undefined && { wanted: port }),
      });
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      throw new DeployRefusedError({ code: 'port_taken', message: error.message });
    }
    return [];
  }

  private async start(release: PlacedRelease<S>): Promise<void> {
    const port = await this.portOf(release);
    await this.launch(release, { port, variables: await this.variablesOf(release) });
  }

  private async runBefore(
    release: PlacedRelease<S>,
    tell: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { number, settings } = release;
    const { before_switch: once } = settings;
    if (once === undefined) return;
    const name = nameOf(release);
    const start = { port: await this.portOf(release), variables: await this.variablesOf(release) };
    await this.instances.remove(name);
    try {
      await this.launch(release, { ...start, once });
      const { state, end, exitCode } = await this.ended(name, signal);
      await this.tellLast(release, tell);
      if (state !== 'running' && exitCode === 0) return;
      const message = `before_switch of release ${number} failed: ${end}`;
      throw new DeployRefusedError({ code: 'before_switch_failed', message });
    } finally {
      await this.instances.remove(name);
    }
  }

  /** @throws the reason of the signal */
  private async ended(name: string, signal: AbortSignal): Promise<InstanceState> {
    for (;;) {
      signal.throwIfAborted();
      const now = await this.instances.look(name);
      if (now === undefined) throw new Error(`${name} was removed while it ran`);
      if (now.state !== 'running') return now;
      await delay(BETWEEN_LOOKS_MS);
    }
  }

  private async probed(release: PlacedRelease<S>): Promise<ReleaseLook> {
    const now = await this.instances.look(nameOf(release));
    const { restarts = 0 } = now ?? {};
    if (now?.state !== 'running') {
      const hasEnded = now?.state !== 'left';
      return { problem: now?.end ?? 'it is gone', hasEnded, restarts };
    }
    const problem = await this.answered(release);
    return { ...(problem !== undefined && { problem }), hasEnded: false, restarts };
  }

  private async answered(release: PlacedRelease<S>): Promise<string | undefined> {
    const problem = await probe(release.settings.gate, await this.portOf(release));
    return problem === undefined ? undefined : (await this.masksOf(release)).maskText(problem);
  }

  private async checked(
    release: PlacedRelease<S>,
    { type, command, timeoutMs }: InstanceCheck,
  ): Promise<ProbeResult> {
    const name = nameOf(release);
    const mask = async (text: string): Promise<string> =>
      text === '' ? '' : (await this.masksOf(release)).maskText(text);
    if (type === 'container') return containerResult(await this.instances.look(name), mask);
    if (command === undefined) throw new Error('a check of type exec has a command');
    const end = await this.instances.exec(name, { command, limit_ms: timeoutMs });
    return commandResult(end, { timeoutMs }, mask);
  }

  private async tellLast(release: PlacedRelease<S>, tell: (line: string) => void): Promise<void> {
    for (const line of await this.maskedLines(release, LAST_LINES)) tell(`  ${line}`);
  }

  /** Programs that fail like to print their settings. */
  private async maskedLines(
    release: PlacedRelease<S>,
    lines: number,
    mostBytes?: number,
  ): Promise<readonly string[]> {
    const masks = await this.masksOf(release);
    const said = await this.instances.said(nameOf(release), lines, mostBytes);
    const kept = mostBytes === undefined ? said : fitting(said, mostBytes);
    return kept.map((line) => masks.maskText(line));
  }

  private async gate(
    release: PlacedRelease<S>,
    tell: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { number, settings } = release;
    const name = nameOf(release);
    const port = await this.portOf(release);
    const isOver = await this.endOf(name);
    const end = await passGate(settings.gate, { port, isOver }, signal);
    if (end.kind === 'passed') {
      tell(`release ${number} answers: ${end.probes} ${end.probes === 1 ? 'probe' : 'probes'}`);
      return;
    }
    const hasEnded = (await isOver()) !== undefined;
    const elsewhere = hasEnded ? undefined : await this.elsewhere(release, port);
    const masks = await this.masksOf(release);
    await this.tellLast(release, tell);
    const message = [`release ${number} does not pass its gate: ${end.why}`, elsewhere];
    throw new DeployRefusedError({
      code: 'gate_failed',
      message: masks.maskText(message.filter((part) => part !== undefined).join('; ')),
      data: { release: number },
    });
  }

  /** Whether an instance has ended since now, also where it was started again meanwhile. */
  private async endOf(name: string): Promise<() => Promise<string | undefined>> {
    const { restarts = 0 } = (await this.instances.look(name)) ?? {};
    return async () => {
      const now = await this.instances.look(name);
      if (now === undefined) return 'it was removed';
      return now.state === 'running' && now.restarts === restarts ? undefined : now.end;
    };
  }

  private async armed(release: PlacedRelease<S>, token: string): Promise<void> {
    const { routes, proxy, ports, host } = this.parts;
    const { service_id: serviceId, settings } = release;
    const id = shortName(serviceId);
    const listen = await listenOf(serviceId, settings.published, ports, host);
    if (listen === undefined) throw new Error(`${serviceId} has no port`);
    try {
      await routes.ensureRoute({ id, listen });
    } catch (error) {
      if (!(error instanceof RoutesRefusedError)) throw error;
      throw new DeployRefusedError({ code: 'route_refused', message: error.message });
    }
    const port = await this.portOf(release);
    const before = settings.keep_assets === undefined ? undefined : await proxy.upstreamOf(id);
    // Of a restart what serves is the same release: its assets are its own.
    const own = before && (await this.ownerServing(settings));
    const isSame = own !== undefined && releaseOf(own) === release.number;
    const assetsFrom = isSame ? before?.assetsFrom : before;
    await proxy.arm(id, { host: '127.0.0.1', port, ...(assetsFrom && { assetsFrom }) }, token);
  }

  /** The port of the outside is given back when nothing listens there any more. */
  private async forgotten(serviceId: string): Promise<void> {
    await this.parts.routes.ensureNoRoute(shortName(serviceId));
    await this.parts.ports.releaseAllOf(routeOwner(serviceId));
  }

  private async stop(release: PlacedRelease<S>): Promise<void> {
    await this.instances.remove(nameOf(release));
    failPoint('instance_removed');
    await this.parts.ports.releaseAllOf(ownerOf(release));
  }

  private async variablesOf(release: PlacedRelease<S>): Promise<InstanceStart['variables']> {
    const text = await this.parts.sealed.find(release.settings.variables);
    if (text === undefined) {
      throw new Error(`the variables of ${nameOf(release)} are not stored`);
    }
    return Object.entries(JSON.parse(text) as Readonly<Record<string, string>>);
  }

  /** What an instance says and answers may hold its secrets. */
  private async masksOf(release: PlacedRelease<S>): Promise<MaskSet> {
    const { secrets } = release.settings;
    const hidden = (await this.variablesOf(release)).filter(
      ([name]) => secrets === undefined || secrets.includes(name),
    );
    return MaskSet.from(hidden.map(([, value]) => value));
  }

  private portOf(release: PlacedRelease<S>): Promise<number> {
    return this.parts.ports.take({ owner: ownerOf(release) });
  }
}

/** The last ones of them that fit. */
function fitting(lines: readonly string[], mostBytes: number): readonly string[] {
  let bytes = 0;
  const first = lines.findLastIndex((line) => (bytes += Buffer.byteLength(line) + 1) > mostBytes);
  return lines.slice(first + 1);
}

type Instance = Pick<PlacedRelease, 'service_id' | 'number' | 'instance'>;

/** Of the instance of a release that is meant, on what runs it. */
export function nameOf({ service_id: id, number, instance }: Instance): string {
  return instanceName(id, number, instance);
}

function ownerOf({ service_id: id, number, instance }: Instance): PortOwner {
  return instanceOwner(id, number, instance);
}

function shownCommand(command: string | readonly string[] | undefined): string | undefined {
  if (command === undefined) return undefined;
  return quoted(typeof command === 'string' ? command : command.join(' '), SHOWN);
}
