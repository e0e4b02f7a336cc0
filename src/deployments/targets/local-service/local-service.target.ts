import { hostPort } from '../../../common/net/host-port.js';
import {
  DEFAULT_BACKOFF,
  type Listening,
  type LocalServices,
  type ServiceSpec,
} from '../../../integrations/local-services/local-services.js';
import { LocalServicesError } from '../../../integrations/local-services/local-services.error.js';
import type { StepFiles } from '../../../executions/attempt/steps/deployer.js';
import type { ServiceSettings } from '../../record/deployment.js';
import { DeployRefusedError, type PlacedRelease, type PreparedRelease } from '../deploy-target.js';
import { restartRule } from '../restart-rule.js';
import { type InstanceStart, nameOf, type RoutedParts, RoutedTarget } from '../routed.target.js';
import { ServiceInstances } from './service-instances.js';
import type { ServiceReleases } from './service-releases.js';

type ServiceRelease = PlacedRelease<ServiceSettings>;

const NEVER_AGAIN = { max: 0, windowMs: 1_000 };

export interface ServiceTargetParts extends RoutedParts {
  readonly services: LocalServices;
  readonly releases: ServiceReleases;
}

/** Addresses at which a program is reached by 127.0.0.1, where the gate asks it. */
const REACHED: ReadonlySet<string> = new Set([
  ...['127.0.0.1', '0.0.0.0', '::', '::ffff:127.0.0.1', '::ffff:0.0.0.0'],
]);
/** Addresses at which nobody on another host reaches it. */
const ONLY_HERE = /^(127\.|::1$|::ffff:127\.)/u;

/**
 * Releases as programs of this host: each is a folder of its own, in which its program runs, by the
 * supervisor of services.
 */
export class LocalServiceTarget extends RoutedTarget<ServiceSettings> {
  private readonly services: LocalServices;
  private readonly releases: ServiceReleases;

  constructor({ services, releases, ...parts }: ServiceTargetParts) {
    super(parts, new ServiceInstances(services));
    this.services = services;
    this.releases = releases;
  }

  prepare(
    release: ServiceRelease,
    source: StepFiles,
    signal: AbortSignal,
    before?: number,
  ): Promise<PreparedRelease> {
    return this.releases.place(release, source, signal, before);
  }

  override filesOf(release: ServiceRelease): StepFiles {
    return this.releases.filesOf(release);
  }

  digestOf(release: ServiceRelease): Promise<string | undefined> {
    return this.releases.digestOf(release);
  }

  protected override async launch(
    release: ServiceRelease,
    { port, variables, once }: InstanceStart,
  ): Promise<void> {
    const { settings } = release;
    const { command, memory } = settings;
    const limit = once === undefined ? settings.restart : NEVER_AGAIN;
    const spec: ServiceSpec = {
      ...{ id: nameOf(release), command: once ?? command },
      cwd: this.releases.pathOf(release),
      environment: [...variables, [settings.port_variable, String(port)]],
      ...(memory !== undefined && { limits: { memory_bytes: memory } }),
      ...(limit && {
        restart: restartRule(limit, DEFAULT_BACKOFF),
      }),
    };
    try {
      await this.startAnew(spec);
    } catch (error) {
      if (!(error instanceof LocalServicesError) || error.code !== 'bad_spec') throw error;
      throw new DeployRefusedError({ code: 'service_not_started', message: error.message });
    }
  }

  override async forget(serviceId: string): Promise<void> {
    await super.forget(serviceId);
    await this.releases.forget(serviceId);
  }

  protected override drop(release: ServiceRelease): Promise<void> {
    return this.releases.remove(release);
  }

  protected override async elsewhere(
    release: ServiceRelease,
    port: number,
  ): Promise<string | undefined> {
    const { settings } = release;
    const ports = await this.portsOf(release);
    if (ports === undefined) return undefined;
    const there = ports.filter((one) => one.port === port);
    if (there.some(({ address }) => REACHED.has(address))) return undefined;
    if (ports.length === 0) return 'it listens at no port';
    const listed = (there.length > 0 ? there : ports)
      .map((one) => hostPort(one.address, one.port))
      .join(', ');
    if (there.length > 0) {
      return `it listens at ${listed}, where 127.0.0.1 does not lead: let it listen at 127.0.0.1`;
    }
    return `it listens at ${listed}, not at ${port}: let it listen at the port in ${settings.port_variable}`;
  }

  protected override async openAt(
    release: ServiceRelease,
    port: number,
  ): Promise<string | undefined> {
    const open = (await this.portsOf(release))?.find(
      (one) => one.port === port && !ONLY_HERE.test(one.address),
    );
    return open && hostPort(open.address, open.port);
  }

  /** Undefined: it does not run, or nothing is known of that. */
  private async portsOf(release: ServiceRelease): Promise<readonly Listening[] | undefined> {
    const status = await this.services.status(nameOf(release));
    return status?.state === 'running' ? this.listening(status.id) : undefined;
  }

  /** Undefined: a supervisor that is older than this worker does not know. */
  private async listening(id: string): Promise<readonly Listening[] | undefined> {
    try {
      return await this.services.listening(id);
    } catch (error) {
      if (error instanceof LocalServicesError && error.code === 'failed') return undefined;
      throw error;
    }
  }

  /** What is left of an earlier start, as of another port, stands in the way. */
  private async startAnew(spec: ServiceSpec): Promise<void> {
    try {
      await this.services.start(spec);
    } catch (error) {
      if (!(error instanceof LocalServicesError) || error.code !== 'other_spec') throw error;
      await this.services.remove(spec.id);
      await this.services.start(spec);
    }
  }
}
