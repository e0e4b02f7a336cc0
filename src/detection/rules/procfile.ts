import { type Fact, known } from '../evidence.js';
import type { ProjectFiles } from '../project-files.js';

/** The process `web` of a Procfile, which says how a service is started; undefined: none. */
export async function procfileStart(files: ProjectFiles): Promise<Fact | undefined> {
  const lines = await files.lines('Procfile');
  for (const [index, line] of lines?.entries() ?? []) {
    const command = /^web:\s*(\S.*)$/.exec(line)?.[1];
    if (command === undefined) continue;
    const source = { rule: 'procfile', file: files.pathOf('Procfile'), line: index + 1 };
    return known(command.trim(), source);
  }
  return undefined;
}
