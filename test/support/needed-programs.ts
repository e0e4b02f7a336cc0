import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Programs that a spec cannot do without, and the Debian packages that bring them. */
export type NeededPrograms = Readonly<Record<string, string>>;

/**
 * `describe` for specs of parts that not every machine has: without the programs, or without root
 * where that is needed, it is skipped, but in CI it fails and says what to install.
 */
export function describeWith(
  needed: NeededPrograms,
  { root = false }: { readonly root?: boolean },
  name: string,
  body: () => void,
): void {
  const missing = Object.keys(needed).filter((program) => findProgram(program) === undefined);
  const packages = [...new Set(missing.map((program) => needed[program]))].join(' ');
  const problems = [
    ...(missing.length > 0 ? [`${missing.join(', ')} missing: apt-get install ${packages}`] : []),
    ...(root && process.getuid?.() !== 0 ? ['it needs root'] : []),
  ];
  if (problems.length === 0) return describe(name, body);
  describeMissing(problems.join('; '), name, body);
}

/** `describe` where a part is missing: skipped, but in CI it fails and says what is missing. */
export function describeMissing(problem: string, name: string, body: () => void): void {
  if (process.env['CI'] === undefined) return describe.skip(name, body);
  describe(name, () => {
    it('finds what it needs', () => {
      throw new Error(problem);
    });
  });
}

/**
 * `it` for tests that need a part of the machine: skipped where it is not found, but in CI the spec
 * fails and says what is missing.
 */
export function itWith(found: unknown, what: string): jest.It {
  if (found !== undefined) return it;
  if (process.env['CI'] === undefined) return it.skip;
  throw new Error(`this spec needs ${what}`);
}

/** Absolute path of a program on the PATH or where Debian keeps those of root. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
