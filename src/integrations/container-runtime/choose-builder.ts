import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BuilderProgram } from './image-builder.js';

/** Where programs are looked for, whatever the worker's own PATH is. */
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const ASK_MS = 10_000;
/** BuildKit is built in from here… */
const FIRST_WITH_BUILDKIT = 20;
/** …and a plugin from here. */
const FIRST_WITH_PLUGIN = 23;

export type BuilderChoice =
  | { readonly program: BuilderProgram; readonly reason?: undefined }
  | { readonly program?: undefined; readonly reason: string };

/** What a program printed; undefined: it could not be run, or failed. */
export type Ask = (path: string, args: readonly string[]) => Promise<string | undefined>;

/**
 * The program that builds images on an engine, or why there is none. Of several the first that can
 * is taken. Never rejects.
 *
 * @param engine as `EngineFacts` name it: `docker 20.10.24`
 */
export async function chooseBuilder(
  engine: string,
  ask: Ask = askProgram,
  exists: (path: string) => boolean = existsSync,
): Promise<BuilderChoice> {
  const name = engine.startsWith('podman') ? 'podman' : 'docker';
  const why: string[] = [];
  for (const path of FOLDERS.map((folder) => join(folder, name)).filter(exists)) {
    const version = /version v?(\d+)\.(\d[^\s,+]*)/i.exec((await ask(path, ['--version'])) ?? '');
    if (version === null) {
      why.push(`${path} does not tell its version`);
      continue;
    }
    const [, major = '', rest = ''] = version;
    const choice = await choose(name, `${major}.${rest}`, path, ask);
    if (typeof choice !== 'string') return { program: choice };
    why.push(choice);
  }
  if (why.length > 0) return { reason: why.join('; ') };
  return { reason: `there is no program ${name} in ${FOLDERS.join(', ')}` };
}

async function choose(
  name: 'podman' | 'docker',
  version: string,
  path: string,
  ask: Ask,
): Promise<BuilderProgram | string> {
  if (name === 'podman') return { name: `podman ${version}`, path, dialect: 'podman' };
  const major = Number(version.split('.')[0]);
  if (major < FIRST_WITH_BUILDKIT) return `${path} is docker ${version}, which is too old`;
  if (major < FIRST_WITH_PLUGIN) return { name: `docker ${version}`, path, dialect: 'docker' };
  const plugin = /v?(\d+\.\d[^\s,+]*)/.exec((await ask(path, ['buildx', 'version'])) ?? '')?.[1];
  if (plugin === undefined) {
    return `${path} is docker ${version} without its plugin buildx, which builds need from ${FIRST_WITH_PLUGIN}`;
  }
  return { name: `docker ${version}, buildx ${plugin}`, path, dialect: 'buildx' };
}

/** Without the configuration of any user: builds have none, either. */
async function askProgram(path: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, args, {
      env: {
        PATH: FOLDERS.join(':'),
        HOME: '/nonexistent',
        DOCKER_CONFIG: '/nonexistent',
        LC_ALL: 'C',
      },
      cwd: '/',
      timeout: ASK_MS,
    });
    return stdout;
  } catch {
    // Whatever it is, such a program builds nothing.
    return undefined;
  }
}
