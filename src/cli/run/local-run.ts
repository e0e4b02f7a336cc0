import type { RunFlags } from '../program.js';
import type { Terminal } from '../terminal.js';

export async function runLocally(_file: string, _flags: RunFlags, _terminal: Terminal): Promise<number> {
  throw new Error('not written yet');
}
