import { DEFAULT_STEP_USER } from '../../integrations/process/client/step-user.js';
import { runSupervisor } from '../../integrations/local-services/supervisor/run-supervisor.js';
import { effectiveConfig } from '../command/server-config.js';
import { cleanLines } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';

/** Supervises the services of a home until Ctrl-C, TERM or HUP. They run on. */
export async function servicesRunCommand(
  flags: { readonly home?: string },
  terminal: Terminal,
): Promise<number> {
  const { config, environment } = effectiveConfig(flags);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort());
  }
  await runSupervisor({
    home: config.home,
    env: environment,
    stepUsers: [DEFAULT_STEP_USER, ...(config.stepUser === undefined ? [] : [config.stepUser])],
    say: (line) => terminal.say(cleanLines(line)),
    signal: stop.signal,
  });
  return 0;
}
