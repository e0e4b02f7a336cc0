import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/config/paths.js';

/** A block of code of a page that users read. */
export interface DocumentedBlock {
  /** `docs/cli.md` */
  readonly page: string;
  readonly text: string;
}

/** Of README.md and docs/*.md, in order. @param language as it stands behind the three marks */
export function documentedBlocks(language: string): DocumentedBlock[] {
  const pages = ['README.md', ...globSync('docs/*.md', { cwd: packageRoot() }).sort()];
  return pages.flatMap((page) => {
    const text = readFileSync(join(packageRoot(), page), 'utf8');
    const blocks = text.matchAll(/^( *)```(\w*)\n([^]*?)^ *```$/gm);
    return [...blocks]
      .filter(([, , name]) => name === language)
      .map(([, indent = '', , block = '']) => ({
        page,
        // In a list it stands further in.
        text: block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      }));
  });
}
