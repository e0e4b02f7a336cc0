import type { RunFlags } from '../program.js';
import type { Terminal } from '../terminal.js';

export async function runCommand(file: string, flags: RunFlags, terminal: Terminal): Promise<number> {
  const { runLocally } = await import('./local-run.js');
  return runLocally(file, flags, terminal);
}
