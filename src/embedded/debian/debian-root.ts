import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Environment } from '../../config/environment.js';
import { EmbeddedError } from '../system/embedded.error.js';
import { runCommand } from '../system/run-command.js';
import { fetchError } from './debian-archive.js';

/**
 * Names that depend on the processor: Debian's folder of libraries and the loader of programs in
 * it.
 */
export interface LibraryLayout {
  readonly triplet: string;
  readonly loader: string;
}

/** @throws EmbeddedError `platform_unsupported` for another system than Linux on x64 or arm64. */
export function libraryLayout(platform: string, arch: string): LibraryLayout {
  if (platform === 'linux' && arch === 'x64') {
    return { triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' };
  }
  if (platform === 'linux' && arch === 'arm64') {
    return { triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' };
  }
  throw new EmbeddedError(
    'platform_unsupported',
    `the embedded services need Linux on x64 or arm64, this is ${platform} on ${arch}`,
    'Set MONGODB_URI and REDIS_URL to servers that you run.',
  );
}

const UNPACK = `root=$1; shift
for deb in "$@"; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --no-same-owner --keep-directory-symlink --wildcards \
    --exclude=./etc --exclude=./var --exclude=./usr/include --exclude=./usr/lib/systemd \
    --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale \
    --exclude=./usr/share/lintian --exclude=./usr/share/bug --exclude='*/bitcode' --exclude='*/pgxs' \
    --exclude='*/gconv' || { echo "cannot unpack $deb" >&2; exit 1; }
done`;

/**
 * Unpacks Debian packages over each other into `root`, without documentation, configuration and
 * headers.
 */
export async function unpackPackages(
  root: string,
  debs: readonly string[],
  options: { readonly env: Environment; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const result = await runCommand('/bin/sh', ['-c', UNPACK, 'unpack', root, ...debs], {
    env: { ...options.env, LC_ALL: 'C' },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (result.code !== 0) throw fetchError('unpacked packages', result);
}

/**
 * Replaces `folder/NAME` (a program of the unpacked root) by a script that starts it with the
 * root's own loader and libraries: nothing of the host's C library is used, and the tree may be
 * moved. The program itself goes to `../elf`.
 */
export async function wrapProgram(
  root: string,
  folder: string,
  name: string,
  layout: LibraryLayout,
  extraLibraries?: string,
): Promise<void> {
  const elf = join(dirname(folder), 'elf');
  await mkdir(elf, { recursive: true });
  await chmod(elf, 0o755);
  await rename(join(folder, name), join(elf, name));
  const up = relative(folder, join(root, 'usr/lib', layout.triplet));
  const extra = extraLibraries === undefined ? '' : `:$b/${relative(folder, extraLibraries)}`;
  const path = join(folder, name);
  await writeFile(path, wrapperScript(up, layout.loader, extra));
  await chmod(path, 0o755);
}

/**
 * The script. The path must be absolute before the program changes its folder, hence `pwd -P`;
 * `exec` keeps the pid; `--library-path` does not leak into the programs that it starts, as
 * LD_LIBRARY_PATH would.
 */
export function wrapperScript(libraries: string, loader: string, extra: string): string {
  return `#!/bin/sh
b=$(cd "\${0%/*}" && pwd -P) || exit 1
l=$(cd "$b/${libraries}" && pwd -P) || exit 1
n=\${0##*/}
exec "$l/${loader}" --inhibit-cache \${EMBDB_PRELOAD:+--preload "$EMBDB_PRELOAD"} \\
  --library-path "$l${extra}" --argv0 "$b/$n" "\${b%/*}/elf/$n" "$@"
`;
}

/**
 * Names of libraries that one of `files` needs and the root does not have; empty when it is
 * complete.
 */
export async function missingLibraries(
  root: string,
  files: readonly string[],
  layout: LibraryLayout,
  extraLibraries?: string,
): Promise<readonly string[]> {
  const libraries = join(root, 'usr/lib', layout.triplet);
  const path = extraLibraries === undefined ? libraries : `${libraries}:${extraLibraries}`;
  const missing = new Set<string>();
  for (const file of files) {
    const result = await runCommand(
      join(libraries, layout.loader),
      ['--inhibit-cache', '--library-path', path, '--list', file],
      { env: { LC_ALL: 'C' } },
    );
    const lines = `${result.stdout}\n${result.stderr}`.split('\n');
    for (const line of lines) if (line.includes('not found')) missing.add(line.trim());
    if (result.code !== 0 && missing.size === 0) missing.add(`${file}: ${result.stderr.trim()}`);
  }
  return [...missing];
}

/** Removes the entries of `folder` that `drop` names; a folder that is not there has none. */
export async function pruneFolder(folder: string, drop: (name: string) => boolean): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const entry of entries) {
    if (drop(entry)) await rm(join(folder, entry), { recursive: true, force: true });
  }
}
