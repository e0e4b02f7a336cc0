import { execFile } from 'node:child_process';
import { cp, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Copies programs of this machine, and the libraries that they load, to the same paths. */
export async function copyPrograms(root: string, programs: readonly string[]): Promise<void> {
  for (const program of programs) await copyFile(root, program, program);
  await copyLibraries(root, programs);
}

/** Copies the libraries that programs and modules of this machine load, to the same paths. */
export async function copyLibraries(root: string, files: readonly string[]): Promise<void> {
  const { stdout } = await run('ldd', [...files]);
  const paths = [...stdout.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path]) => path);
  for (const path of new Set(paths)) {
    if (path !== undefined) await copyFile(root, path, path);
  }
}

/**
 * Copies what is in a folder of this machine, links as what they lead to.
 *
 * @param without patterns of `tar` for paths that are left out; one with a slash counts from the
 *   folder, where it begins with `./`
 */
export async function copyFolder(
  source: string,
  target: string,
  without: readonly string[] = [],
): Promise<void> {
  await mkdir(target, { recursive: true });
  const excluded = without.map((pattern) => `--exclude=${pattern}`);
  const script = 'cd "$1"; target=$2; shift 2; tar -ch "$@" . | tar -x -C "$target"';
  await run('bash', ['-o', 'pipefail', '-ec', script, '-', source, target, ...excluded]);
}

async function copyFile(root: string, source: string, target: string): Promise<void> {
  const path = join(root, target);
  await mkdir(dirname(path), { recursive: true });
  await cp(await realpath(source), path);
}
