import { MaskSet } from '../../../common/redaction/mask-set.js';
import { messageOf } from '../../../common/values/error-message.js';
import { nameRecord } from '../../../common/values/name-record.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import { DEFAULT_PIDS } from '../../../engine/steps/container/container-action.js';
import { EngineAwayError } from '../../../integrations/container-runtime/container-runtime.js';
import {
  ContainerNotStartedError,
  type ServiceContainers,
} from '../../../integrations/container-runtime/service-containers.js';
import {
  ProxyAwayError,
  type ReverseProxy,
  RoutesRefusedError,
} from '../../../integrations/reverse-proxy/reverse-proxy.js';
import type { PortLeases } from '../../../ports/port-leases.js';
import { MillraceError } from '../../../common/errors/millrace.error.js';
import type { ContainerSettings } from '../../record/deployment.js';
import type { SealedTexts } from '../../record/sealed-texts.js';
import type { ProxyRoutes } from '../../routes/proxy-routes.js';
import {
  DeployRefusedError,
  DeployTarget,
  type PlacedRelease,
  type PreparedRelease,
  type ReleaseRunner,
  TargetAwayError,
} from '../deploy-target.js';
import { passGate } from '../instance-gate.js';
import { whoListens } from './listening-inside.js';
import {
  instanceOwner,
  listenOf,
  releaseOf,
  routeOwner,
  routePlace,
  shortName,
} from '../../routes/service-route.js';

type ContainerRelease = PlacedRelease<ContainerSettings>;

/** Of its programs, between TERM and KILL, ms. */
const GRACE_MS = 10_000;
/** Lines of a container that tell why it ended. */
const LAST_LINES = 20;

export interface ContainerTargetParts {
  readonly containers: ServiceContainers;
  readonly proxy: ReverseProxy;
  readonly routes: Pick<ProxyRoutes, 'ensureRoute'>;
  readonly ports: PortLeases;
  readonly sealed: SealedTexts;
  /** Name of this host. */
  readonly host: string;
  /** Address of the engine, where that is on another machine: nothing is run there. */
  readonly engineElsewhere?: string | undefined;
}

/**
 * Releases as containers of this host. Each listens at a port of its own, at 127.0.0.1; the reverse
 * proxy is what the outside reaches, and its upstream says which one serves.
 */
export class DockerContainerTarget extends DeployTarget<ContainerSettings> {
  override readonly runner: ReleaseRunner<ContainerSettings> = {
    start: (release) => orAway(this.start(release)),
    gate: (release, tell, signal) => orAway(this.gate(release, tell, signal)),
    stop: (release) => orAway(this.stop(release)),
    drainMs: ({ drain }) => drain,
  };

  constructor(private readonly parts: ContainerTargetParts) {
    super();
  }

  plan(serviceId: string, { published }: ContainerSettings): Promise<readonly Reason[]> {
    return orAway(this.planned(serviceId, published));
  }

  prepare({ number, settings, service_id: id }: ContainerRelease): Promise<PreparedRelease> {
    return orAway(this.prepared(id, number, settings));
  }

  arm({ number, settings, service_id: id }: ContainerRelease, token: string): Promise<void> {
    return orAway(this.armed(id, number, settings, token));
  }

  async switchTo({ service_id: id }: ContainerRelease, token: string): Promise<void> {
    await orAway(this.parts.proxy.switchTo(shortName(id), token));
  }

  async disarm({ service_id: id }: ContainerSettings): Promise<void> {
    await orAway(this.parts.proxy.disarm(shortName(id)));
  }

  async serving({ service_id: id }: ContainerSettings): Promise<number | undefined> {
    const { proxy, ports, host } = this.parts;
    const upstream = await orAway(proxy.upstreamOf(shortName(id)));
    if (upstream === undefined) return undefined;
    const leases = await ports.list({ host, owner: { service: id } });
    const owner = leases.find(({ port }) => port === upstream.port)?.owner;
    return owner ? releaseOf(owner) : undefined;
  }

  digestOf({ number, service_id: id }: ContainerRelease): Promise<string | undefined> {
    return orAway(this.parts.containers.keptImage(containerName(id, number)));
  }

  async remove(release: ContainerRelease): Promise<void> {
    await orAway(this.stop(release));
    await orAway(
      this.parts.containers.dropImage(containerName(release.service_id, release.number)),
    );
  }

  placeOf({ service_id: id, published }: ContainerSettings): string {
    return routePlace(id, published);
  }

  private async planned(
    serviceId: string,
    published: ContainerSettings['published'],
  ): Promise<readonly Reason[]> {
    this.refuseElsewhere();
    // Whether there is an engine at all.
    await this.parts.containers.list();
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

  /**
   * An instance listens at 127.0.0.1 of the machine of its engine. Here the same port is nobody's,
   * or somebody else's: the gate would ask, and the proxy serve, another program.
   *
   * @throws DeployRefusedError `engine_elsewhere`
   */
  private refuseElsewhere(): void {
    const { engineElsewhere: engine, host } = this.parts;
    if (engine === undefined) return;
    throw new DeployRefusedError({
      code: 'engine_elsewhere',
      message: `the container engine of ${host} is on another machine (DOCKER_HOST=${engine}), where neither its gate nor its proxy reaches a release: start a worker on that machine, with its own socket as DOCKER_HOST, and bring the step to it (runs_on)`,
      data: { engine },
    });
  }

  private async prepared(
    serviceId: string,
    number: number,
    { image, image_id: imageId }: ContainerSettings,
  ): Promise<PreparedRelease> {
    const bytes = await this.parts.containers.keepImage(imageId, containerName(serviceId, number));
    if (bytes === undefined) {
      const message = `the image ${image} was removed before it could be kept`;
      throw new DeployRefusedError({ code: 'image_missing', message });
    }
    return { digest: imageId, files: 0, bytes, warnings: [] };
  }

  private async start({ number, settings, service_id: id }: ContainerRelease): Promise<void> {
    this.refuseElsewhere();
    const { containers, ports, sealed } = this.parts;
    const hostPort = await ports.take({ owner: instanceOwner(id, number) });
    const text = await sealed.find(settings.variables);
    if (text === undefined) {
      throw new Error(`the variables of ${containerName(id, number)} are not stored`);
    }
    const variables = variablesOf(text);
    try {
      await containers.start({
        name: containerName(id, number),
        imageId: settings.image_id,
        command: settings.command,
        environment: nameRecord([['PORT', String(settings.port)], ...variables]),
        ...{ port: settings.port, hostPort },
        limits: { ...settings.limits, pids: settings.limits.pids ?? DEFAULT_PIDS },
      });
    } catch (error) {
      if (!(error instanceof ContainerNotStartedError)) throw error;
      throw new DeployRefusedError({ code: 'container_not_started', message: error.message });
    }
  }

  private async gate(
    { number, settings, service_id: id }: ContainerRelease,
    tell: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { containers, ports } = this.parts;
    const name = containerName(id, number);
    const port = await ports.take({ owner: instanceOwner(id, number) });
    const isOver = async (): Promise<string | undefined> => {
      const now = await containers.look(name);
      if (now === undefined) return 'its container was removed';
      if (now.state === 'running') return undefined;
      return now.outOfMemory
        ? 'its container used up its memory'
        : `its container ended with exit code ${now.exitCode}`;
    };
    const end = await passGate(settings.gate, { port, isOver }, signal);
    if (end.kind === 'passed') {
      tell(`release ${number} answers: ${end.probes} ${end.probes === 1 ? 'probe' : 'probes'}`);
      return;
    }
    const elsewhere = whoListens((await containers.look(name))?.pid, settings.port);
    // Programs that fail like to print their settings.
    const masks = await this.masksOf(settings);
    const said = masks.maskText(await containers.said(name, LAST_LINES));
    for (const line of said === '' ? [] : said.split('\n')) tell(`  ${line}`);
    const why = masks.maskText(end.why);
    const message = [`release ${number} does not pass its gate: ${why}`, elsewhere];
    const data = { release: number };
    throw new DeployRefusedError({
      code: 'gate_failed',
      message: message.filter((part) => part !== undefined).join('; '),
      data,
    });
  }

  private async masksOf({ variables, secrets = [] }: ContainerSettings): Promise<MaskSet> {
    const text = secrets.length === 0 ? undefined : await this.parts.sealed.find(variables);
    const values = variablesOf(text ?? '{}').filter(([name]) => secrets.includes(name));
    return MaskSet.from(values.map(([, value]) => value));
  }

  private async armed(
    serviceId: string,
    number: number,
    { published }: ContainerSettings,
    token: string,
  ): Promise<void> {
    const { routes, proxy, ports, host } = this.parts;
    const id = shortName(serviceId);
    const listen = await listenOf(serviceId, published, ports, host);
    if (listen === undefined) throw new Error(`${serviceId} has no port`);
    try {
      await routes.ensureRoute({ id, listen });
    } catch (error) {
      if (!(error instanceof RoutesRefusedError)) throw error;
      throw new DeployRefusedError({ code: 'route_refused', message: error.message });
    }
    const port = await ports.take({ owner: instanceOwner(serviceId, number) });
    await proxy.arm(id, { host: '127.0.0.1', port }, token);
  }

  private async stop({ number, service_id: id }: ContainerRelease): Promise<void> {
    await this.parts.containers.remove(containerName(id, number), GRACE_MS);
    await this.parts.ports.releaseAllOf(instanceOwner(id, number));
  }
}

function variablesOf(text: string): readonly (readonly [string, string])[] {
  return Object.entries(JSON.parse(text) as Readonly<Record<string, string>>);
}

/** Of a release, on the engine. */
export function containerName(serviceId: string, number: number): string {
  return `${shortName(serviceId)}.${number}`;
}

/** What cannot be asked now is asked again later. */
async function orAway<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const isAway = error instanceof EngineAwayError || error instanceof ProxyAwayError;
    if (!isAway) throw error;
    const code = error instanceof EngineAwayError ? 'engine_away' : 'proxy_away';
    throw new TargetAwayError({ code, message: messageOf(error) });
  }
}
