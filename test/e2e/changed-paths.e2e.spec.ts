import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConnectedRepository } from '../support/connected-repository.js';
import { eventually } from '../support/eventually.js';
import type { ForgeStandIn } from '../support/forge-stand-in.js';
import { freePort } from '../support/free-port.js';
import type { GitFixture } from '../support/git-http-server.js';
import { MillraceServer } from '../support/millrace-server.js';

const NONE = '0'.repeat(40);
const DEFINITION = `name: shop
triggers:
  - push: { paths: ["src/**"] }
  - pull_request: { paths: ["src/**"] }
steps:
  - run: "true"
`;

interface Delivery {
  readonly status: string;
  readonly decisions: readonly {
    readonly starts: boolean;
    readonly reason: { readonly code: string; readonly message: string };
  }[];
}

describe('the files of a push that its payload does not tell', () => {
  let connected: ConnectedRepository;
  let fixture: GitFixture;
  let forge: ForgeStandIn;
  let server: MillraceServer;
  let base: string;

  beforeAll(async () => {
    connected = await ConnectedRepository.start(
      { '.millrace.yml': DEFINITION, 'src/a.ts': 'a' },
      { 'uploadpack.allowFilter': 'true' },
    );
    ({ work: fixture, forge, head: base } = connected);
    const port = String(await freePort());
    server = await MillraceServer.start({
      environment: { PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}` },
    });
    await server.call('POST', '/api/repositories', connected.connection);
  });

  afterAll(async () => {
    await server?.stop();
    await connected?.stop();
  });

  /** A commit on top of another one, pushed to a branch of its own. */
  const commitOn = async (parent: string, branch: string, path: string): Promise<string> => {
    await fixture.git('checkout', '-q', '-B', branch, parent);
    await writeFile(join(fixture.directory, path), branch);
    const commit = await fixture.commit(branch);
    await connected.push(branch);
    return commit;
  };
  const decided = async (event: string, payload: object): Promise<Delivery['decisions'][0]> => {
    const response = await forge.deliver(event, payload);
    const { delivery_id: id } = (await response.json()) as { delivery_id: string };
    const { decisions } = await eventually(async () => {
      const delivery = await server.call<Delivery>('GET', `/api/ci/deliveries/${id}`);
      return delivery.status === 'done' ? delivery : undefined;
    }, 30_000);
    return decisions[0] as Delivery['decisions'][0];
  };
  const FORCED = { forced: true, commits: [] };

  it('are asked of the repository where the branch was moved by force', async () => {
    const words = await commitOn(base, 'words', 'readme.txt');
    const other = await commitOn(base, 'code', 'src/b.ts');
    expect(await decided('push', forge.push('words', base, words, FORCED))).toMatchObject({
      starts: false,
      reason: { code: 'trigger_no_match' },
    });
    // From one commit to one beside it: the file that is gone counts too.
    expect(await decided('push', forge.push('code', other, words, FORCED))).toMatchObject({
      starts: true,
      reason: { message: 'a rule is for it: it matches' },
    });
  });

  it('are those of a pull request since it has left its base', async () => {
    const moved = await commitOn(base, 'main', 'src/c.ts');
    const words = await commitOn(base, 'patch-words', 'readme.txt');
    const code = await commitOn(base, 'patch-code', 'src/d.ts');
    const asks = (head: string): Promise<Delivery['decisions'][0]> =>
      decided('pull_request', forge.forkPullRequest('main', moved, head));
    expect(await asks(words)).toMatchObject({ reason: { code: 'trigger_no_match' } });
    expect(await asks(code)).toMatchObject({ reason: { code: 'fork_needs_approval' } });
  });

  it('count as those of a rule where the repository cannot tell', async () => {
    const words = await commitOn(base, 'lost', 'readme.txt');
    const gone = 'f'.repeat(40);
    for (const [before, why] of [
      [gone, 'nobody can tell which files were changed: '],
      [NONE, 'nobody can tell which files were changed: the branch is new'],
    ] as const) {
      const decision = await decided('push', forge.push('lost', before, words, FORCED));
      expect(decision).toMatchObject({
        starts: true,
        reason: { message: expect.stringContaining(why) },
      });
    }
  });
});
