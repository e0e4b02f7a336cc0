import { describeConfig, renderEnvExample } from '../config/describe-config.js';
import type { ServerFlags } from './command/flags.js';
import { effectiveConfig } from './command/server-config.js';
import type { Terminal } from './terminal/terminal.js';

export function configCommand(
  flags: ServerFlags & { readonly example?: boolean },
  terminal: Terminal,
): number {
  if (flags.example) {
    terminal.write(renderEnvExample());
    return 0;
  }
  const { config, environment } = effectiveConfig(flags);
  let section = '';
  for (const line of describeConfig(config, environment)) {
    if (line.section !== section) {
      section = line.section;
      terminal.print(terminal.paint('bold', `# ${section}`));
    }
    const origin = line.source === 'default' ? terminal.paint('dim', '  # default') : '';
    terminal.printWhole(`${line.name}=${line.value}${origin}`);
  }
  return 0;
}
