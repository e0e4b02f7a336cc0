import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ForgeStandIn } from './forge-stand-in.js';
import { GitFixture, GitHttpServer } from './git-http-server.js';
import { removeTree } from './remove-tree.js';

const NAME = 'shop';
const FULL_NAME = `acme/${NAME}`;
/** Before a branch that is new. */
export const NO_COMMIT = '0'.repeat(40);

/** A repository on loopback with pipelines in it, and the forge that tells of its pushes. */
export class ConnectedRepository {
  private constructor(
    /** What is pushed from. */
    readonly work: GitFixture,
    readonly forge: ForgeStandIn,
    /** Its first commit, on `main`. */
    readonly head: string,
    /** Holds the bare repository; others may be published beside it. */
    readonly folder: string,
    /** Serves what is in the folder. */
    readonly remote: GitHttpServer,
  ) {}

  /**
   * @param files of the first commit, with their texts, by their paths
   * @param config of the bare repository
   */
  static async start(
    files: Readonly<Record<string, string>>,
    config: Readonly<Record<string, string>> = {},
  ): Promise<ConnectedRepository> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-connected-'));
    const work = await GitFixture.create('main');
    for (const [path, text] of Object.entries(files)) {
      const file = join(work.directory, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    const head = await work.commit('first');
    await work.publish(folder, NAME, { 'uploadpack.allowAnySHA1InWant': 'true', ...config });
    const remote = await GitHttpServer.start(folder);
    const forge = await ForgeStandIn.start({
      id: 4711,
      fullName: FULL_NAME,
      cloneUrl: remote.url(NAME),
      defaultBranch: 'main',
    });
    return new ConnectedRepository(work, forge, head, folder, remote);
  }

  /** Body of `POST /api/repositories`. */
  get connection(): object {
    const { apiUrl, token } = this.forge;
    return { url: `http://forge.test/${FULL_NAME}`, forge: 'github', api_url: apiUrl, token };
  }

  get cloneUrl(): string {
    return this.remote.url(NAME);
  }

  /** Pushes a branch, whatever is there. */
  async push(branch: string): Promise<void> {
    await this.work.git('push', '-q', '-f', join(this.folder, `${NAME}.git`), branch);
  }

  async stop(): Promise<void> {
    await this.forge.stop();
    await this.remote.stop();
    this.work.remove();
    await removeTree(this.folder);
  }
}
