/** A submodule as `.gitmodules` declares it. */
export interface Submodule {
  readonly name: string;
  readonly path: string;
  /** As it is written: relative to the URL of the repository that holds it, or absolute. */
  readonly url: string;
}

/**
 * Reads `.gitmodules` (gitmodules(5), in the syntax of git-config(1)). A section without path or
 * URL is left out.
 */
export function parseGitmodules(text: string): readonly Submodule[] {
  const sections = new Map<string, Map<string, string>>();
  let current: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[(.*)\]\s*(?:[#;].*)?$/.exec(line);
    if (section) {
      const name = /^\s*submodule\s+"((?:[^"\\]|\\.)*)"\s*$/i.exec(section[1] ?? '')?.[1];
      current = name === undefined ? undefined : sectionOf(sections, name.replace(/\\(.)/g, '$1'));
      continue;
    }
    const [, key = '', value = ''] = /^\s*([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key !== '') current?.set(key.toLowerCase(), valueOf(value));
  }
  return [...sections].flatMap(([name, values]) => {
    const [path, url] = [values.get('path'), values.get('url')];
    return path === undefined || url === undefined ? [] : [{ name, path, url }];
  });
}

function sectionOf(sections: Map<string, Map<string, string>>, name: string): Map<string, string> {
  const section = sections.get(name) ?? new Map<string, string>();
  sections.set(name, section);
  return section;
}

/** Parts in quotes are taken as they are; elsewhere a comment ends the value. */
function valueOf(text: string): string {
  const parts = /^((?:"(?:[^"\\]|\\.)*"|\\.|[^"\\#;])*)/.exec(text)?.[1] ?? '';
  return parts
    .trim()
    .replace(/"((?:[^"\\]|\\.)*)"/g, '$1')
    .replace(/\\(.)/g, '$1');
}
