import type Docker from 'dockerode';
import type { CommandEnd, CommandRequest } from '../../common/values/command-end.js';
import { engineAddress, OWN_ENGINE } from '../../config/container-engine.js';
import { EngineAwayError } from './container-runtime.js';
import { DockerCommands } from './docker-command.js';
import { asked, orGone, saidBy, statusOf } from './docker-errors.js';
import { LABELS } from './docker-labels.js';
import { openServicesNetwork } from './docker-network.js';
import { dockerAt, listContainers } from './docker-removal.js';
import { OutputFrames } from './output-frames.js';
import { OutputTail } from '../../common/values/output-tail.js';
import {
  type ContainerHealth,
  ContainerNotStartedError,
  ServiceContainers,
  type ServiceContainerSpec,
  type ServiceContainerState,
} from './service-containers.js';
import { DROPPED_CAPABILITIES, NANO } from './step-container.js';
import { Readable } from 'node:stream';

/** Of containers of services: which installation. None of the labels of steps, which are swept. */
const INSTALLATION = 'millrace.service-in';
/** Which of its hosts: what runs there is looked after by the workers of that one. */
const HOST = 'millrace.service-host';
/** What it was called by whoever asked for it. */
const NAME = 'millrace.service-container';
/** Whatever the image says: it is of no step, whose containers are swept. */
const NO_STEP = Object.fromEntries(Object.values(LABELS).map((label) => [label, '']));

/** Repository of images of releases, on the engine. No registry has the name. */
const RELEASES = 'millrace.invalid/release';
const LOG_BYTES = '5m';
const LOG_FILES = '2';
/** Longer than the engine waits by itself, ms. */
const REMOVE_MS = 30_000;

export interface ServiceContainersOptions {
  /** `unix:///…`, `tcp://host:port` or `http(s)://…`; undefined = that of this machine. */
  readonly host: string | undefined;
  /** Names this installation in labels. Where it rejects, nothing is done on the engine. */
  readonly installation: () => Promise<string>;
  /** Name of this host. Several may use one engine. */
  readonly hostName: string;
}

/** Containers of services on a Docker Engine. */
export class DockerServiceContainers extends ServiceContainers {
  private readonly commands = new DockerCommands();

  constructor(private readonly options: ServiceContainersOptions) {
    super();
  }

  async keepImage(imageId: string, name: string): Promise<number | undefined> {
    const docker = this.docker();
    const found = await orGone(docker.getImage(imageId).inspect());
    if (found === undefined) return undefined;
    await asked(docker.getImage(imageId).tag({ repo: RELEASES, tag: await this.tag(name) }));
    return found.Size;
  }

  async keptImage(name: string): Promise<string | undefined> {
    const found = await orGone(
      this.docker()
        .getImage(await this.imageName(name))
        .inspect(),
    );
    return found?.Id;
  }

  async keptNames(prefix: string): Promise<readonly string[]> {
    const ours = await this.imageName('');
    const filters = { reference: [RELEASES] };
    const images = await asked(this.docker().listImages({ filters }));
    return images
      .flatMap(({ RepoTags: tags }) => tags ?? [])
      .filter((tag) => tag.startsWith(`${ours}${prefix}`))
      .map((tag) => tag.slice(ours.length));
  }

  async dropImage(name: string): Promise<void> {
    await orGone(
      this.docker()
        .getImage(await this.imageName(name))
        .remove(),
    );
  }

  async start(spec: ServiceContainerSpec): Promise<void> {
    const docker = this.docker();
    try {
      const container = (await this.made(docker, spec)) ?? (await this.make(docker, spec));
      await orGone(container.start());
    } catch (error) {
      if (statusOf(error) === undefined) throw error;
      throw new ContainerNotStartedError(saidBy(error));
    }
  }

  async look(name: string): Promise<ServiceContainerState | undefined> {
    const docker = this.docker();
    const container = await this.find(docker, name);
    const found = container && (await orGone(container.inspect()));
    if (found === undefined) return undefined;
    const { Running: isRunning, ExitCode: exitCode, OOMKilled, Pid, StartedAt } = found.State;
    const startedAt = new Date(StartedAt);
    const said = found.State.Status;
    const health = isRunning ? healthOf(found) : undefined;
    return isRunning
      ? {
          state: 'running',
          outOfMemory: false,
          pid: Pid,
          startedAt,
          said,
          ...(health && { health }),
        }
      : { state: 'ended', exitCode, outOfMemory: OOMKilled, startedAt, said };
  }

  async said(name: string, lines: number, mostBytes?: number): Promise<string> {
    const container = await this.find(this.docker(), name);
    if (container === undefined) return '';
    const said = new OutputTail(mostBytes);
    const frames = new OutputFrames();
    for (const one of [frames.stdout, frames.stderr]) {
      one.on('data', (chunk: Buffer) => said.add(chunk));
    }
    const logs = await orGone(
      container.logs({ stdout: true, stderr: true, tail: lines, follow: false }),
    );
    if (logs === undefined) return '';
    await frames.follow(Readable.from([logs]));
    return said.text;
  }

  async exec(name: string, request: CommandRequest): Promise<CommandEnd | undefined> {
    const container = await this.find(this.docker(), name);
    return container && this.commands.run(container, request);
  }

  async remove(name: string, graceMs: number): Promise<void> {
    const container = await this.find(this.docker(), name);
    if (container === undefined) return;
    await orGone(container.stop({ t: Math.ceil(graceMs / 1000) }), graceMs + REMOVE_MS);
    await orGone(container.remove({ force: true, v: true }));
  }

  async list(): Promise<readonly string[]> {
    const installation = await this.options.installation();
    const labels = { ...(await this.labels()), [HOST]: this.options.hostName };
    const found = await listContainers(this.docker(), labels);
    return found.flatMap((one) => {
      const name = one.Labels[NAME];
      return name !== undefined && isNamed(one, engineName(installation, name)) ? [name] : [];
    });
  }

  private async make(docker: Docker, spec: ServiceContainerSpec): Promise<Docker.Container> {
    const installation = await this.options.installation();
    const network = await openServicesNetwork(docker, installation);
    if (network.kind !== 'network') throw new ContainerNotStartedError(network.message);
    const { limits, port } = spec;
    return asked(
      docker.createContainer({
        name: engineName(installation, spec.name),
        Image: spec.imageId,
        ...(spec.command && { Cmd: [...spec.command] }),
        Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
        Labels: {
          ...NO_STEP,
          ...(await this.labels()),
          ...{ [HOST]: this.options.hostName, [NAME]: spec.name },
        },
        ExposedPorts: { [`${port}/tcp`]: {} },
        HostConfig: {
          PortBindings: {
            [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(spec.hostPort) }],
          },
          NetworkMode: network.name,
          Init: true,
          IpcMode: 'private',
          Privileged: false,
          CapDrop: [...DROPPED_CAPABILITIES],
          SecurityOpt: ['no-new-privileges'],
          PidsLimit: limits.pids,
          ...(limits.memory !== undefined && { Memory: limits.memory, MemorySwap: limits.memory }),
          ...(limits.cpus !== undefined && { NanoCpus: Math.round(limits.cpus * NANO) }),
          LogConfig: {
            Type: 'json-file',
            Config: { 'max-size': LOG_BYTES, 'max-file': LOG_FILES },
          },
          // After a restart of the engine exactly the releases that serve run: we know which.
          RestartPolicy: { Name: 'no' },
        },
      }),
    );
  }

  /** The one that is there, if it has the port; another one goes. */
  private async made(
    docker: Docker,
    { name, port, hostPort }: ServiceContainerSpec,
  ): Promise<Docker.Container | undefined> {
    const container = await this.find(docker, name);
    const found = container && (await orGone(container.inspect()));
    if (found === undefined) return undefined;
    const bindings = found.HostConfig.PortBindings as Docker.PortMap | undefined;
    if (bindings?.[`${port}/tcp`]?.[0]?.HostPort === String(hostPort)) return container;
    await orGone(container?.remove({ force: true, v: true }) ?? Promise.resolve());
    return undefined;
  }

  /** By its labels and its name: nobody else's container is taken for ours. */
  private async find(docker: Docker, name: string): Promise<Docker.Container | undefined> {
    const own = engineName(await this.options.installation(), name);
    const all = await listContainers(docker, { ...(await this.labels()), [NAME]: name });
    const found = all.find((one) => isNamed(one, own));
    return found && docker.getContainer(found.Id);
  }

  private docker(): Docker {
    const host = engineAddress(this.options.host);
    if (host === undefined) throw new EngineAwayError(`nothing at ${OWN_ENGINE}`);
    return dockerAt(host);
  }

  private async labels(): Promise<Readonly<Record<string, string>>> {
    return { [INSTALLATION]: await this.options.installation() };
  }

  private async imageName(name: string): Promise<string> {
    return `${RELEASES}:${await this.tag(name)}`;
  }

  private async tag(name: string): Promise<string> {
    return `${await this.options.installation()}-${name}`;
  }
}

/** No two containers of an engine have the same name. */
function engineName(installation: string, name: string): string {
  return `millrace-${installation}-${name}`;
}

/**
 * A container has the labels of its image too, which its author chose: one of a step may have ours.
 * Its name is given by whoever makes it.
 */
function isNamed({ Names: names }: Docker.ContainerInfo, name: string): boolean {
  return names.some((one) => one === name || one === `/${name}`);
}

function healthOf({ State: state }: Docker.ContainerInspectInfo): ContainerHealth | undefined {
  const { Status: status, Log: log } = state.Health ?? {};
  if (status !== 'starting' && status !== 'healthy' && status !== 'unhealthy') return undefined;
  return { status, output: log?.at(-1)?.Output ?? '' };
}
