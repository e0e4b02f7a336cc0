import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RouteDisarmedError, type Upstream } from './reverse-proxy.js';
import { leadText } from './route-lead.js';

/** Texts of the files, by id of the route. */
export type UpstreamTexts = ReadonlyMap<string, string>;

/** `armed`: a switch of it is under way, and what it had stays. `changed`: it is not as it was. */
export type UpstreamChange = 'done' | 'armed' | 'changed';

/** Neither begins as an id does, and no id and no token has a `~`. */
const ARMED = '.armed~';
const DRAFT = '.draft~';

/**
 * Where routes lead: a file for each, named as the route, which Caddy reads for each request. It is
 * replaced whole, so a request sees the upstream before or the one after, and so does whoever reads
 * it after a loss of power.
 *
 * Two kinds of writers are fenced by what they rename: it is removed by whoever comes after them.
 * That of a switch is named by its token; that of a correction is looked at by nobody else.
 */
export class UpstreamFiles {
  constructor(private readonly folder: string) {}

  /**
   * Of all. Each is a few bytes: to read one in this thread takes 10 µs, and by another one nine
   * times as much, for hundreds of them in every look at the proxy.
   */
  async read(): Promise<UpstreamTexts> {
    const names = (await readdir(this.folder)).filter((name) => !name.startsWith('.'));
    const texts = new Map<string, string>();
    for (const name of names) {
      const text = textAt(this.path(name));
      if (text !== undefined) texts.set(name, text);
    }
    return texts;
  }

  /** Undefined: there is no file. */
  async textOf(id: string): Promise<string | undefined> {
    return textAt(this.path(id));
  }

  /**
   * Corrects a file. It never undoes a switch: who arms removes what is renamed here, and this one
   * looks for what is armed, and at the file, when there is something to rename.
   *
   * @param seen its text as it was read; undefined: there was no file
   */
  async correct(id: string, seen: string | undefined, text: string): Promise<UpstreamChange> {
    const draft = this.path(`${DRAFT}${id}~${randomUUID()}`);
    await this.write(draft, text);
    try {
      if (seen === undefined) {
        // What is there by now was switched to: a link never replaces.
        await link(draft, this.path(id));
      } else {
        if ((await this.begins(`${ARMED}${id}~`)).length > 0) return 'armed';
        if ((await this.textOf(id)) !== seen) return 'changed';
        await rename(draft, this.path(id));
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'EEXIST') return 'changed';
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
    await this.sync();
    return 'done';
  }

  /** What writers before have not finished is corrected by none of them any more. */
  async endCorrections(): Promise<void> {
    await this.removeAll(await this.begins(DRAFT));
  }

  /** See `ReverseProxy.arm`. */
  async arm(id: string, upstream: Upstream, token: string): Promise<void> {
    const own = `${ARMED}${id}~${token}`;
    await this.write(this.path(own), leadText({ upstream }));
    await this.removeAll((await this.ready(id)).filter((name) => name !== own));
  }

  /** @throws RouteDisarmedError */
  async switchTo(id: string, token: string): Promise<void> {
    try {
      await rename(this.path(`${ARMED}${id}~${token}`), this.path(id));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new RouteDisarmedError(id);
      throw error;
    }
    await this.sync();
  }

  async disarm(id: string): Promise<void> {
    await this.removeAll(await this.ready(id));
  }

  async remove(id: string): Promise<void> {
    await rm(this.path(id), { force: true });
    await this.sync();
  }

  private ready(id: string): Promise<readonly string[]> {
    return this.begins(`${ARMED}${id}~`, `${DRAFT}${id}~`);
  }

  private async begins(...starts: readonly string[]): Promise<readonly string[]> {
    const names = await readdir(this.folder);
    return names.filter((name) => starts.some((start) => name.startsWith(start)));
  }

  private async removeAll(names: readonly string[]): Promise<void> {
    for (const name of names) await rm(this.path(name), { force: true });
  }

  /** When it resolves the bytes are on the disk; whose name they have, `sync` says. */
  private async write(path: string, text: string): Promise<void> {
    const file = await open(path, 'w');
    try {
      await file.writeFile(text);
      // Caddy may be another user, of the folder's group; a mode at the making is cut by the umask.
      await file.chmod(0o640);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  private async sync(): Promise<void> {
    const folder = await open(this.folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  private path(name: string): string {
    return join(this.folder, name);
  }
}

/** Undefined: there is no file. */
function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
