import { readEnvironment } from '../../config/environment.js';
import { defaultCache } from '../../config/paths.js';
import { CaddyProcess } from './caddy-process.js';

export interface HomeCaddyOptions {
  /** One line for a person, for everything that takes longer than a moment. */
  readonly progress: (line: string) => void;
  /** Ends the start, or the build, that `ensure` has begun. */
  readonly signal?: AbortSignal | undefined;
}

/** The Caddy of a data folder, whoever has started it; nothing is started yet. */
export function homeCaddy(home: string, { progress, signal }: HomeCaddyOptions): CaddyProcess {
  return new CaddyProcess({
    home,
    cache: defaultCache(),
    env: readEnvironment(),
    progress,
    signal,
  });
}

/**
 * Ends the reverse proxy of a data folder, for a command: it outlives whoever has started it.
 * Requests that are under way have 10 s. A worker whose services have routes starts it again within
 * 5 s, so workers are to be stopped before.
 *
 * @returns whether one ran
 * @throws EmbeddedError
 */
export async function stopProxy(
  home: string,
  progress: HomeCaddyOptions['progress'],
): Promise<boolean> {
  const caddy = homeCaddy(home, { progress });
  const ran = (await caddy.running()) !== undefined;
  await caddy.stop();
  return ran;
}
