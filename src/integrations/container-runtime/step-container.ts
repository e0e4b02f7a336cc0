import type Docker from 'dockerode';
import { LABELS } from './docker-labels.js';
import type { Ulimit } from './engine-limits.js';
import type { ContainerSpec, Mount } from './container-runtime.js';

/**
 * What a container of a step has less than the engine gives: with what is left, package managers,
 * and the entrypoints of postgres and nginx, work as root.
 */
export const DROPPED_CAPABILITIES = ['NET_RAW', 'MKNOD', 'AUDIT_WRITE'];
/** Of processors, as engines count them. */
export const NANO = 1e9;

/** What all containers of a process have. */
export interface ContainerFrame {
  readonly labels: Readonly<Record<string, string>>;
  readonly ulimits: readonly Ulimit[];
  readonly stepsNetwork: string;
  /** Beside the usual ones. */
  readonly capabilities?: readonly string[];
}

/** The container of a step: no rights, mounts or sockets beside what the step is given. */
export function createOptions(
  spec: ContainerSpec,
  { labels, ulimits, stepsNetwork, capabilities = [] }: ContainerFrame,
): Docker.ContainerCreateOptions {
  const { limits } = spec;
  const network = networkName(spec, stepsNetwork);
  return {
    Image: spec.imageId,
    ...(spec.entrypoint && { Entrypoint: [...spec.entrypoint] }),
    ...(spec.command && { Cmd: [...spec.command] }),
    ...(spec.user !== undefined && { User: spec.user }),
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    ...(spec.directory !== undefined && { WorkingDir: spec.directory }),
    Labels: { ...labels, [LABELS.group]: spec.group },
    AttachStdout: true,
    AttachStderr: true,
    // Whatever the image says: a step is no service.
    ...(spec.isService !== true && { Healthcheck: { Test: ['NONE'] } }),
    ...aliases(spec, network),
    HostConfig: {
      Mounts: bindMounts(spec.mounts),
      NetworkMode: network,
      Init: true,
      IpcMode: 'private',
      Privileged: false,
      CapDrop: DROPPED_CAPABILITIES.filter((name) => !capabilities.includes(name)),
      ...(capabilities.length > 0 && { CapAdd: [...capabilities] }),
      SecurityOpt: ['no-new-privileges'],
      GroupAdd: spec.groups.map(String),
      PidsLimit: limits.pids,
      ShmSize: limits.shmSize,
      ...(limits.memory !== undefined && { Memory: limits.memory, MemorySwap: limits.memory }),
      ...(limits.cpus !== undefined && { NanoCpus: Math.round(limits.cpus * NANO) }),
      Ulimits: [...ulimits],
      // The log is ours.
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
    },
  };
}

export function bindMounts(mounts: readonly Mount[]): Docker.MountConfig {
  return mounts.map(({ source, target, readOnly = false }) => ({
    Type: 'bind',
    Source: source,
    Target: target,
    ReadOnly: readOnly,
  }));
}

function networkName({ network }: ContainerSpec, stepsNetwork: string): string {
  if (network === 'none') return network;
  return network === 'steps' ? stepsNetwork : network.name;
}

/** The name by which others of its network find it. */
function aliases(
  { network }: ContainerSpec,
  name: string,
): Pick<Docker.ContainerCreateOptions, 'NetworkingConfig'> {
  if (typeof network === 'string' || network.hostName === undefined) return {};
  return {
    NetworkingConfig: { EndpointsConfig: { [name]: { Aliases: [network.hostName] } } },
  };
}
