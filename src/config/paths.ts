import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { settingError } from './path-setting.js';

/**
 * Folder of all data when `MILLRACE_HOME` is unset: `/var/lib/millrace` for root, else `millrace`
 * in the user's data folder (`$XDG_DATA_HOME`, `~/.local/share`). Never in the checkout.
 */
export function defaultHome(): string {
  if (process.getuid?.() === 0) return '/var/lib/millrace';
  return join(xdgFolder('XDG_DATA_HOME', '.local/share'), 'millrace');
}

/**
 * What to throw where the folder of all data cannot be used: a ConfigError where the setting is to
 * blame that leads there, else `error` as it is.
 */
export function homeError(home: string, error: unknown): unknown {
  const isDefault = (process.env['MILLRACE_HOME']?.trim() ?? '') === '' && home === defaultHome();
  const isXdg = isDefault && process.getuid?.() !== 0;
  const name = isXdg ? xdgVariable('XDG_DATA_HOME') : 'MILLRACE_HOME';
  return settingError({ name, path: home, kind: 'folder' }, error);
}

/**
 * Makes the folder of all data, closed to other users; for whoever is about to write in it.
 * Idempotent. @throws ConfigError
 */
export async function makeHome(home: string): Promise<void> {
  try {
    await mkdir(home, { recursive: true, mode: 0o750 });
  } catch (error) {
    throw homeError(home, error);
  }
}

/** Folder of the workspaces; short, for the sake of unix sockets in them. */
export function workspacesFolder(home: string): string {
  return join(home, 'w');
}

/**
 * Name of a data folder beside others on one machine, for the processes of those who use it. What
 * outlives a machine, or is seen from several ones, goes by `Installation` instead.
 */
export function homeName(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 8);
}

/**
 * Folder of what can be fetched again (embedded services), shared by all data folders of the user.
 */
export function defaultCache(): string {
  if (process.getuid?.() === 0) return '/var/cache/millrace';
  return join(xdgFolder('XDG_CACHE_HOME', '.cache'), 'millrace');
}

/**
 * Folder of the settings of the command line: `millrace` in `$XDG_CONFIG_HOME` or `~/.config`, also
 * for root.
 */
export function defaultClientFolder(): string {
  return join(xdgFolder('XDG_CONFIG_HOME', '.config'), 'millrace');
}

/** As `homeError`, of the folder of the settings of the command line. */
export function clientFolderError(folder: string, error: unknown): unknown {
  const name = xdgVariable('XDG_CONFIG_HOME');
  return settingError({ name, path: folder, kind: 'folder' }, error);
}

/** The variable that decides about a folder: where it counts as unset, that of the user's own. */
function xdgVariable(name: string): string {
  return isAbsolute(process.env[name] ?? '') ? name : 'HOME';
}

/**
 * A relative path in the variable counts as unset, as the XDG Base Directory Specification has it.
 */
function xdgFolder(name: string, fallback: string): string {
  const value = process.env[name];
  return value !== undefined && isAbsolute(value) ? value : join(homedir(), fallback);
}

let knownRoot: string | undefined;

/** The folder of Millrace's own package.json, from `src/` and from `dist/` alike. */
export function packageRoot(): string {
  knownRoot ??= findPackageRoot(dirname(fileURLToPath(import.meta.url)));
  return knownRoot;
}

function findPackageRoot(start: string): string {
  let folder = start;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('package.json of Millrace is missing above its code');
    folder = parent;
  }
  return folder;
}

/** Version in package.json. */
export function packageVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/**
 * Programs that one process of Millrace starts as another, by their path under `dist/` without
 * `.js`.
 */
export type EntryName =
  | 'main'
  | 'worker'
  | 'launcher'
  | 'cli'
  | 'compile-child'
  | 'detect-child'
  | 'hand-over'
  | 'integrations/git/isomorphic-git-child'
  | 'workspaces/give-tree';

/**
 * Absolute path of the built program. Also under Jest, where the code runs from `src/`, it is the
 * one in `dist/`: a child process has no transformer.
 * @throws Error when the project was not built
 */
export function entryFile(name: EntryName): string {
  const file = join(packageRoot(), 'dist', `${name}.js`);
  if (!existsSync(file)) throw new Error(`dist/${name}.js is missing: run \`npm run build\``);
  return file;
}
