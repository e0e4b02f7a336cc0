import type Docker from 'dockerode';
import { createHash } from 'node:crypto';
import { asked, orGone, statusOf } from './docker-errors.js';
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
  const hash = createHash('sha256').update(installation).digest('hex');
  return `${PREFIX}${hash.slice(0, HASH_LENGTH)}`;
}

/** Makes it, if it is not there; two at once are one. */
export async function ensureStepsNetwork(docker: Docker, installation: string): Promise<void> {
  const name = stepsNetworkName(installation);
  const known = await orGone(docker.getNetwork(name).inspect());
  if (known !== undefined) return;
  try {
    await asked(
      docker.createNetwork({
        Name: name,
        Driver: 'bridge',
        CheckDuplicate: true,
        Labels: { [LABELS.installation]: installation },
        Options: {
          'com.docker.network.bridge.name': name,
          'com.docker.network.bridge.enable_icc': 'false',
        },
      }),
    );
  } catch (error) {
    // Another worker was faster.
    if (statusOf(error) !== 409) throw error;
  }
}
