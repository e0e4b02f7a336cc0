export interface Requirement {
  /** Normalised: lower case, `-` for what separates words (PEP 503). */
  readonly name: string;
  /** What stands behind the name, as written. */
  readonly rest: string;
  readonly line: number;
}

/** A line of a requirements file, or an entry of `dependencies` (PEP 508); undefined: no name. */
export function requirementOf(text: string, line: number): Requirement | undefined {
  const match = /^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(.*)$/.exec(text);
  const [, name, rest = ''] = match ?? [];
  if (name === undefined || /^\S*:\/\//.test(text.trim())) return undefined;
  return { name: pythonName(name), rest: rest.replace(/\s#.*$/, '').trim(), line };
}

export function readRequirements(lines: readonly string[]): readonly Requirement[] {
  return lines.flatMap((text, index) => {
    if (/^\s*(#|-|$)/.test(text)) return [];
    return requirementOf(text, index + 1) ?? [];
  });
}

export function pythonName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}
