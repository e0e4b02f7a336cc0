import { homeCaddy } from '../../embedded/caddy/home-caddy.js';
import { runSupervisor } from '../../integrations/local-services/supervisor/run-supervisor.js';
import { effectiveConfig } from '../command/server-config.js';
import { endSignal, stepUsersOf } from './services-process.js';
import { cleanLines } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';

/** Supervises the services of a home until Ctrl-C, TERM or HUP. They and the proxy run on. */
export async function servicesRunCommand(
  flags: { readonly home?: string },
  terminal: Terminal,
): Promise<number> {
  const { config, environment } = effectiveConfig(flags);
  const signal = endSignal();
  const say = (line: string): void => terminal.say(cleanLines(line));
  const caddy = homeCaddy(config.home, { progress: say, signal });
  await runSupervisor({
    ...{ home: config.home, env: environment, stepUsers: stepUsersOf(config), say, signal },
    ensureProxy: () => caddy.ensure(),
  });
  return 0;
}
