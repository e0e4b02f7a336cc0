import { chmod, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Upstream } from './reverse-proxy.js';
import { hostAndPort, parseHostAndPort } from './route-rules.js';

/**
 * Where routes lead: a file for each, named as the route, which Caddy reads for each request. It is
 * replaced whole, so a request sees the upstream before or the one after.
 */
export class UpstreamFiles {
  constructor(private readonly folder: string) {}

  /** By id. Files that say nothing of this kind are left out. */
  async read(): Promise<ReadonlyMap<string, Upstream>> {
    const found = await Promise.all(
      (await this.names()).map(async (name): Promise<[string, Upstream][]> => {
        const text = await readFile(join(this.folder, name), 'utf8').catch(absentAsNothing);
        const upstream = parseHostAndPort(text);
        return upstream === undefined ? [] : [[name, upstream]];
      }),
    );
    return new Map(found.flat());
  }

  /** Takes effect with the next request. */
  async write(id: string, { host, port }: Upstream): Promise<void> {
    // No id begins with a dot.
    const draft = join(this.folder, `.${id}`);
    await writeFile(draft, hostAndPort(host, port));
    // Caddy may be another user, of the folder's group; a mode at the making is cut by the umask.
    await chmod(draft, 0o640);
    await rename(draft, join(this.folder, id));
  }

  async remove(id: string): Promise<void> {
    await rm(join(this.folder, id), { force: true });
  }

  private async names(): Promise<readonly string[]> {
    return (await readdir(this.folder)).filter((name) => !name.startsWith('.'));
  }
}

/** It was removed since the folder was read. */
function absentAsNothing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
