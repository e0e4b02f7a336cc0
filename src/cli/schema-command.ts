import { schemaText } from '../engine/definition/schema-document.js';
import { writeNamed } from './command/file-problem.js';
import type { Terminal } from './terminal/terminal.js';

export async function schemaCommand(
  flags: { readonly write?: string },
  terminal: Terminal,
): Promise<number> {
  if (flags.write === undefined) terminal.write(schemaText());
  else await writeNamed(flags.write, schemaText());
  return 0;
}
