import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nameRecord } from '../../../common/values/name-record.js';
import type { RegistryLogin } from '../../../integrations/container-runtime/container-runtime.js';
import type { Workspace } from '../../../workspaces/workspace.js';

/** Where a builder finds its helpers, whatever the worker's own PATH is. */
export const BUILDER_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Names in the folder of a build, in which the builder works. */
export const BUILD_FILES = {
  context: 'context',
  config: 'config',
  secrets: 'secrets',
  scratch: 'scratch',
  /** The builder puts the id of the image there. */
  id: 'image-id',
} as const;
/** In `config`. */
export const LOGIN_FILE = 'config.json';

/** The registry of Docker, as its program names it in its file of log-ins. */
const HUB = 'https://index.docker.io/v1/';

/**
 * What one build works with, beside the workspace and not in it: a folder that no step can enter.
 * The builder sees nothing else.
 */
export class BuildFolder {
  private constructor(readonly path: string) {}

  /** Throws an error of the file system. */
  static make({ root }: Pick<Workspace, 'root'>, number: number): BuildFolder {
    const path = join(root, `build-${number}`);
    const { config, secrets, scratch } = BUILD_FILES;
    for (const name of ['.', config, secrets, scratch])
      mkdirSync(join(path, name), { mode: 0o700 });
    return new BuildFolder(path);
  }

  get context(): string {
    return join(this.path, BUILD_FILES.context);
  }

  /** For the packing of large files. */
  get scratch(): string {
    return join(this.path, BUILD_FILES.scratch);
  }

  /** @param name one that variables may have: it is the name of the file */
  putSecret(name: string, value: string): void {
    writeFileSync(join(this.path, BUILD_FILES.secrets, name), value, { flag: 'wx', mode: 0o600 });
  }

  putLogins(logins: ReadonlyMap<string, RegistryLogin>): void {
    const file = join(this.path, BUILD_FILES.config, LOGIN_FILE);
    writeFileSync(file, loginFile(logins), { flag: 'wx', mode: 0o600 });
  }

  /** Of the image, once it was built. */
  readId(): string {
    return readFileSync(join(this.path, BUILD_FILES.id), 'utf8').trim();
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** The `config.json` of docker. */
export function loginFile(logins: ReadonlyMap<string, RegistryLogin>): string {
  const auths = [...logins].map(([registry, { username, password }]) => {
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    return [registry === 'docker.io' ? HUB : registry, { auth }] as const;
  });
  return JSON.stringify({ auths: nameRecord(auths) });
}
