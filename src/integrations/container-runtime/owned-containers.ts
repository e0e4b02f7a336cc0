import { setTimeout as delay } from 'node:timers/promises';
import { EngineAwayError } from './container-runtime.js';
import { LABELS } from './docker-labels.js';
import { removeNetworks } from './docker-network.js';
import { dockerAt, removeContainers } from './docker-removal.js';

/** For an engine that does not answer, ms; after that the next worker finds what is left. */
const AWAY_MS = 10_000;
const ASK_AGAIN_MS = 500;

export interface OwnedBy {
  /** As `DOCKER_HOST`. */
  readonly host: string;
  /** As `ownerLabel` names a process: one of one installation, and never another one again. */
  readonly owner: string;
}

/** Removes all containers and networks of one process, which is gone or silent. */
export async function removeOwned({ host, owner }: OwnedBy): Promise<number> {
  const docker = dockerAt(host);
  const labels = { [LABELS.owner]: owner };
  const until = performance.now() + AWAY_MS;
  for (;;) {
    try {
      const ended = await removeContainers(docker, labels);
      await removeNetworks(docker, labels);
      return ended;
    } catch (error) {
      if (!(error instanceof EngineAwayError) || performance.now() > until) throw error;
      await delay(ASK_AGAIN_MS);
    }
  }
}
