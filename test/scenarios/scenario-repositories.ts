import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitFixture, GitHttpServer } from '../support/git-http-server.js';
import type { Placeholders } from './run-scenario.js';

const USERNAME = 'ci-user';
const PASSWORD = 'pa55@of+the/scenarios';

/** The repositories that scenarios clone: one for everybody, and the same one behind a password. */
export class ScenarioRepositories {
  private constructor(
    readonly placeholders: Placeholders,
    private readonly servers: readonly GitHttpServer[],
    private readonly folder: string,
  ) {}

  static async start(): Promise<ScenarioRepositories> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-scenario-repositories-'));
    const work = await GitFixture.create();
    try {
      const write = (name: string, text: string): void =>
        writeFileSync(join(work.directory, name), text);
      write('VERSION', '1.0\n');
      write('check.sh', 'echo "checked $(cat VERSION)"\n');
      const tagSha = await work.commit('The first one');
      await work.git('tag', 'v1.0');
      write('VERSION', '2.0\n');
      const sha = await work.commit(
        `The second one\n\nWith a body: https://u:${encodeURIComponent(PASSWORD)}@example.com`,
      );
      await work.git('checkout', '-q', '-b', 'feature/ü');
      write('VERSION', '3.0-feature\n');
      const branchSha = await work.commit('On the branch');
      await work.git('checkout', '-q', 'main');
      await work.publish(folder, 'shop', { 'uploadpack.allowAnySHA1InWant': 'true' });
      const open = await GitHttpServer.start(folder);
      const closed = await GitHttpServer.start(folder, {
        auth: { username: USERNAME, password: PASSWORD },
      });
      const placeholders = {
        REPO_URL: open.url('shop'),
        MISSING_REPO_URL: open.url('nothing-here'),
        PRIVATE_REPO_URL: closed.url('shop', `${USERNAME}:${encodeURIComponent(PASSWORD)}`),
        WRONG_PASSWORD_URL: closed.url('shop', `${USERNAME}:wrong-pa55word`),
        PRIVATE_REPO_ADDRESS: closed.url('shop'),
        PASSWORD,
        PASSWORD_ENCODED: encodeURIComponent(PASSWORD),
        PASSWORD_BASE64: Buffer.from(`${USERNAME}:${PASSWORD}`).toString('base64'),
        SHA: sha,
        TAG_SHA: tagSha,
        BRANCH_SHA: branchSha,
      };
      return new ScenarioRepositories(placeholders, [open, closed], folder);
    } finally {
      work.remove();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
