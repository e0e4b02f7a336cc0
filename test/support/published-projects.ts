import { cp, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitFixture, GitHttpServer } from './git-http-server.js';
import { removeTree } from './remove-tree.js';

/**
 * Folders of files as repositories of a git server on loopback. In the texts of all of them stand
 * names that only a document has, which are replaced by addresses of the test.
 */
export class PublishedProjects {
  private constructor(
    private readonly folder: string,
    private readonly works: ReadonlyMap<string, GitFixture>,
    private readonly commits: ReadonlyMap<string, string>,
    private readonly server: GitHttpServer,
  ) {}

  /**
   * @param source folder of the projects
   * @param names folders in it, each a repository
   * @param addresses what stands in the texts, and what in the place of it; `git` is the base of
   *   their URLs, and is replaced by that of the server
   */
  static async start(
    source: string,
    names: readonly string[],
    git: string,
    addresses: Readonly<Record<string, string>>,
  ): Promise<PublishedProjects> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-projects-'));
    const server = await GitHttpServer.start(folder);
    const base = `http://127.0.0.1:${server.port}`;
    const works = new Map<string, GitFixture>();
    const commits = new Map<string, string>();
    for (const name of names) {
      const work = await GitFixture.create('main');
      works.set(name, work);
      await cp(join(source, name), work.directory, { recursive: true });
      await replaceTexts(work.directory, { [git]: base, ...addresses });
      commits.set(name, await work.commit('first'));
      await work.publish(folder, name);
    }
    return new PublishedProjects(folder, works, commits, server);
  }

  /** Of the first commit of a project. */
  commit(name: string): string {
    return this.commits.get(name) ?? '';
  }

  /** Where a project is cloned from. */
  url(name: string): string {
    return this.server.url(name);
  }

  /** A file of a project, as it is in the repository. */
  async text(name: string, file = 'pipeline.yml'): Promise<string> {
    return readFile(join(this.work(name).directory, file), 'utf8');
  }

  /** Commits another text of a file and pushes it. */
  async push(name: string, file: string, text: string): Promise<string> {
    const work = this.work(name);
    await writeFile(join(work.directory, file), text);
    const commit = await work.commit(`another ${file}`);
    await work.git('push', '-q', join(this.folder, `${name}.git`), 'main');
    return commit;
  }

  async stop(): Promise<void> {
    await this.server.stop();
    for (const work of this.works.values()) work.remove();
    await removeTree(this.folder);
  }

  private work(name: string): GitFixture {
    const work = this.works.get(name);
    if (work === undefined) throw new Error(`no project ${name}`);
    return work;
  }
}

async function replaceTexts(
  folder: string,
  replacements: Readonly<Record<string, string>>,
): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.includes('/.git/')) continue;
    let text = await readFile(path, 'utf8');
    for (const [from, to] of Object.entries(replacements)) text = text.replaceAll(from, to);
    await writeFile(path, text);
  }
}
