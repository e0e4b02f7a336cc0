import { openApiText } from '../app/open-api.js';
import { writeNamed } from './command/file-problem.js';
import type { Terminal } from './terminal/terminal.js';

export async function openApiCommand(
  flags: { readonly write?: string },
  terminal: Terminal,
): Promise<number> {
  const text = await openApiText();
  if (flags.write === undefined) terminal.write(text);
  else await writeNamed(flags.write, text);
  return 0;
}
