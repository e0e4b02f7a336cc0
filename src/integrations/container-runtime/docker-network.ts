import type Docker from 'dockerode';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { NetworkResult } from './container-runtime.js';
import { asked, orGone, saidBy, statusOf } from './docker-errors.js';
import { LABELS } from './docker-labels.js';

/** Of all networks that Millrace makes, and of their bridges: one firewall rule holds for all. */
const PREFIX = 'mr-';
/** Names of network interfaces have at most 15 characters. */
const HASH_LENGTH = 11;

/**
 * The network of an installation's steps without sidecars, and its bridge. Its containers do not
 * reach each other. It stays when nothing runs.
 */
export function stepsNetworkName(installation: string): string {
  return nameOf(installation);
}

/** The network of a group: its containers reach each other, and no others. */
export function groupNetworkName(installation: string, group: string): string {
  return nameOf(`${installation} ${group}`);
}

function nameOf(what: string): string {
  const hash = createHash('sha256').update(what).digest('hex');
  return `${PREFIX}${hash.slice(0, HASH_LENGTH)}`;
}

/** Makes that of steps, if it is not there; two at once are one. */
export function openStepsNetwork(docker: Docker, installation: string): Promise<NetworkResult> {
  return openApart(docker, installation, stepsNetworkName(installation));
}

/**
 * Makes that of an installation's services, if it is not there. They do not reach each other but by
 * what they publish. It stays when nothing runs.
 */
export function openServicesNetwork(docker: Docker, installation: string): Promise<NetworkResult> {
  return openApart(docker, installation, nameOf(`${installation} services`));
}

function openApart(docker: Docker, installation: string, name: string): Promise<NetworkResult> {
  return open(docker, {
    Name: name,
    Labels: { [LABELS.installation]: installation },
    Options: {
      'com.docker.network.bridge.name': name,
      'com.docker.network.bridge.enable_icc': 'false',
    },
  });
}

/** What engines say when no address is left for another network. */
const FULL = /address pool|address space|subnet pool|free subnet|fully subnetted/i;

/** Makes the network of a group, if it is not there; two at once are one. */
export function openGroupNetwork(
  docker: Docker,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<NetworkResult> {
  return open(docker, {
    Name: name,
    Labels: { ...labels },
    Options: { 'com.docker.network.bridge.name': name },
  });
}

async function open(docker: Docker, options: Docker.NetworkCreateOptions): Promise<NetworkResult> {
  try {
    await ensureNetwork(docker, options);
    return { kind: 'network', name: options.Name };
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    const message = saidBy(error);
    return { kind: FULL.test(message) ? 'full' : 'refused', message };
  }
}

/** For a network that another one makes to be known by its name, ms. */
const NAMED_MS = 200;
const NAMED_TRIES = 15;

async function ensureNetwork(docker: Docker, options: Docker.NetworkCreateOptions): Promise<void> {
  const find = (): Promise<unknown> => orGone(docker.getNetwork(options.Name).inspect());
  if ((await find()) !== undefined) return;
  try {
    await asked(docker.createNetwork({ Driver: 'bridge', CheckDuplicate: true, ...options }));
  } catch (error) {
    if (statusOf(error) === undefined || FULL.test(saidBy(error))) throw error;
    // Another one was faster: engines have several words for that, and refuse the bridge of a
    // network a while before they know its name.
    for (let left = NAMED_TRIES; (await find()) === undefined; left -= 1) {
      if (left === 0) throw error;
      await delay(NAMED_MS);
    }
  }
}

/** Between two tries to remove a network from which a container is just taken, ms. */
const BUSY_MS = 200;
const BUSY_TRIES = 25;

/** All networks with these labels. */
export function listNetworks(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
): Promise<Docker.NetworkInspectInfo[]> {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return asked(docker.listNetworks({ filters: { label } }));
}

/** Removes networks with these labels, once no container is in them. Idempotent. */
export async function removeNetworks(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
  isWanted: (labels: Readonly<Record<string, string>>) => boolean = () => true,
): Promise<void> {
  const wanted = (await listNetworks(docker, labels)).filter(({ Labels: own }) =>
    isWanted(own ?? {}),
  );
  await Promise.all(wanted.map(({ Id: id }) => removeNetwork(docker, id)));
}

async function removeNetwork(docker: Docker, id: string): Promise<void> {
  for (let left = BUSY_TRIES; ; left -= 1) {
    try {
      await asked(docker.getNetwork(id).remove());
      return;
    } catch (error) {
      if (statusOf(error) === 404) return;
      if (statusOf(error) === undefined || left === 0) throw error;
      await delay(BUSY_MS);
    }
  }
}
