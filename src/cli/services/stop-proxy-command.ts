import { stopProxy } from '../../embedded/caddy/home-caddy.js';
import { effectiveConfig } from '../command/server-config.js';
import { cleanLines } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';

/** Ends the reverse proxy of a home: requests that are under way have 10 s. */
export async function stopProxyCommand(
  flags: { readonly home?: string },
  terminal: Terminal,
): Promise<number> {
  const { config } = effectiveConfig(flags);
  const ran = await stopProxy(config.home, (line) => terminal.say(cleanLines(line)));
  terminal.say(ran ? 'The reverse proxy has ended' : 'No reverse proxy ran');
  return 0;
}
