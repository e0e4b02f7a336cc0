import type Docker from 'dockerode';
import { asked, orGone, statusOf } from './docker-errors.js';

/**
 * The network of all steps without companions, and of its bridge. Its containers do not reach each
 * other. It belongs to the engine, not to an installation: it stays.
 */
export const STEPS_NETWORK = 'mr-steps';

/** Makes it, if it is not there; two at once are one. */
export async function stepsNetwork(docker: Docker): Promise<void> {
  const known = await orGone(docker.getNetwork(STEPS_NETWORK).inspect());
  if (known !== undefined) return;
  try {
    await asked(
      docker.createNetwork({
        Name: STEPS_NETWORK,
        Driver: 'bridge',
        CheckDuplicate: true,
        Options: {
          'com.docker.network.bridge.name': STEPS_NETWORK,
          'com.docker.network.bridge.enable_icc': 'false',
        },
      }),
    );
  } catch (error) {
    // Another worker was faster.
    if (statusOf(error) !== 409) throw error;
  }
}
