import { type Choice, type Fact, known, unknown } from '../evidence.js';
import type { ProjectFiles } from '../project-files.js';

/** Where the version of a runtime may stand, in the order in which it counts. */
export type VersionSource =
  /** The file holds the version alone; a `v` or a name in front of it is left out. */
  | { readonly file: string }
  /** The name of the runtime in `.tool-versions` (asdf, mise). */
  | { readonly tool: string }
  /** What a manifest says; undefined: nothing. */
  | { readonly of: () => Promise<Choice | undefined> };

/**
 * The version by the first source that says one. Others are not asked: a range in a manifest and
 * the version in a file beside it do not contradict each other.
 */
export async function runtimeVersion(
  files: ProjectFiles,
  sources: readonly VersionSource[],
): Promise<Fact> {
  for (const source of sources) {
    const found = await versionBy(files, source);
    if (found !== undefined) return known(found.value, found.source);
  }
  return unknown('No file says a version.');
}

async function versionBy(files: ProjectFiles, source: VersionSource): Promise<Choice | undefined> {
  if ('of' in source) return source.of();
  if ('tool' in source) return toolVersion(files, source.tool);
  const path = await files.nearest(source.file);
  if (path === undefined) return undefined;
  const lines = (await files.textAt(path))?.split(/\r?\n/) ?? [];
  const index = lines.findIndex((line) => /^[^#\s]/.test(line.trim()));
  const value = lines[index]?.trim().replace(/^(?:[a-z]+-)?v?(?=\d)/, '');
  if (value === undefined || value === '') return undefined;
  return { value, source: { rule: 'version-file', file: path, line: index + 1 } };
}

async function toolVersion(files: ProjectFiles, tool: string): Promise<Choice | undefined> {
  const path = await files.nearest('.tool-versions');
  if (path === undefined) return undefined;
  const lines = (await files.textAt(path))?.split(/\r?\n/) ?? [];
  for (const [index, line] of lines.entries()) {
    const [name, value] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (name !== tool || value === undefined) continue;
    return { value, source: { rule: 'tool-versions', file: path, line: index + 1 } };
  }
  return undefined;
}
