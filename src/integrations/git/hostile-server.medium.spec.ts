import { mkdtemp, readdir, readFile, rm, statfs } from 'node:fs/promises';
import type http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { GitHttpServer, type GitServerBehaviour } from '../../../test/support/git-http-server.js';
import {
  blob,
  commit,
  deltaEntry,
  entryHead,
  hostileRemote,
  pack,
  packOf,
  pktLine,
  type RawObject,
  refsAnswer,
  remoteOf,
  sideBand,
  tree,
} from '../../../test/support/hostile-remote.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import { AddressPolicy } from '../../common/net/address-policy.js';
import { CheckedResolver } from '../../common/net/checked-addresses.js';
import type { CloneRequest, GitClient, GitError } from './git-client.js';
import { GitProgramClient } from './git-program-client.js';
import { IsomorphicGitClient } from './isomorphic-git-client.js';
import { GitHttpClient } from './isomorphic-git-http.js';

const MIB = 2 ** 20;
const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');
const allowPrivateUrls = ['127.0.0.0/8'];
const good = blob('good\n');
const goodTree = tree({ mode: '100644', name: 'good', sha: good.sha });
const goodRemote = remoteOf(goodTree, [good]);
const tip = goodRemote.refs[0]?.[1] ?? '';

/** Two commits. */
const parent = commit(goodTree.sha, 'the parent');
const child = commit(goodTree.sha, 'the child', parent.sha);
const deepRemote = {
  refs: [
    ['HEAD', child.sha],
    ['refs/heads/main', child.sha],
  ] as const,
  pack: pack([child, parent, goodTree, good]),
};

let folder: string;
let server: GitHttpServer;
let other: GitHttpServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-hostile-server-'));
  server = await GitHttpServer.start(folder);
  other = await GitHttpServer.start(folder);
});
beforeEach(() => {
  server.seen.length = 0;
  other.seen.length = 0;
  other.behaviour = hostileRemote(goodRemote);
});
afterAll(async () => {
  await server.stop();
  await other.stop();
  await rm(folder, { recursive: true });
  entry.remove();
});

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void;
const answers = (answer: Answer): GitServerBehaviour => ({
  kind: 'answer',
  answer: (request, response) => {
    answer(request, response);
    return true;
  },
});
/** Another list of refs, and then the good pack. */
const answersRefs = (refs: Buffer, headers: http.OutgoingHttpHeaders = {}): GitServerBehaviour => {
  const rest = hostileRemote(goodRemote);
  return answers((request, response) => {
    if (request.method === 'POST' && rest.kind === 'answer')
      return void rest.answer(request, response);
    sendRefs(response, refs, headers);
  });
};
function sendRefs(
  response: http.ServerResponse,
  refs: Buffer,
  headers: http.OutgoingHttpHeaders = {},
): void {
  const type = 'application/x-git-upload-pack-advertisement';
  response.writeHead(200, { 'content-type': type, ...headers }).end(refs);
}
/** Writes as long as the other side reads. */
function pour(response: http.ServerResponse, chunk: Buffer): void {
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

interface Limits {
  readonly timeoutMs?: number;
  readonly minFreeDisk?: number;
  readonly memory?: number;
}

const makers = {
  'isomorphic-git': ({ memory = 300 * MIB, ...limits }: Limits): GitClient =>
    new IsomorphicGitClient({
      childEntry: entry.path,
      allowPrivateUrls,
      maxRssBytes: memory,
      ...limits,
    }),
  git: ({ memory = 600 * MIB, ...limits }: Limits): GitClient =>
    new GitProgramClient({ allowPrivateUrls, maxMemoryBytes: memory, ...limits }),
};

describe.each(['isomorphic-git', 'git'] as const)('hostile servers: %s', (name) => {
  let place: string;
  let lines: string[];
  beforeEach(async () => {
    place = await mkdtemp(join(folder, 'place-'));
    lines = [];
  });
  const directory = (): string => join(place, 'clone');

  const attempt = async (
    request: Partial<CloneRequest> = {},
    limits: Limits = {},
  ): Promise<'cloned' | GitError> => {
    const client = makers[name](limits);
    const options = {
      signal: new AbortController().signal,
      progress: (line: string) => lines.push(line),
    };
    const outcome = await client
      .clone({ url: server.url('x'), directory: directory(), ...request }, options)
      .then(
        () => 'cloned' as const,
        (error: unknown) => error as GitError,
      );
    await client.close();
    if (outcome !== 'cloned') expect(await readdir(place)).toEqual([]);
    else expect(await readdir(place)).toEqual(['clone']);

    expect([...lines, outcome === 'cloned' ? '' : outcome.message].join('')).not.toMatch(
      /[\0-\x1f\x7f-\x9f]/,
    );
    return outcome;
  };
  const expectFailure = async (
    codes: readonly GitError['code'][],
    request?: Partial<CloneRequest>,
    limits?: Limits,
  ): Promise<GitError> => {
    const outcome = await attempt(request, limits);
    expect(outcome).not.toBe('cloned');
    expect(codes).toContain((outcome as GitError).code);
    return outcome as GitError;
  };

  it('clones from the same server when it is not hostile', async () => {
    server.behaviour = hostileRemote(goodRemote);
    expect(await attempt()).toBe('cloned');
    expect(await readFile(join(directory(), 'good'), 'utf8')).toBe('good\n');
  });

  describe('redirects', () => {
    it('takes credentials to no other origin', async () => {
      server.behaviour = { kind: 'redirect', to: other.url('x').replace('/x.git', '') };
      expect(await attempt({ url: server.url('x', 'user:sesame-open') })).toBe('cloned');
      expect(other.seen.length).toBeGreaterThan(0);
      expect(other.seen.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    });

    it('ends a loop', async () => {
      server.behaviour = answers((request, response) => {
        response.writeHead(302, { location: request.url }).end();
      });
      const error = await expectFailure(['unreachable']);
      expect(error.retryable).toBe(false);
      expect(server.seen.length).toBeLessThan(30);
    });

    it.each([
      'file:///etc/passwd',
      'ftp://127.0.0.1/x',
      'gopher://127.0.0.1:6379/x',
      'ssh://127.0.0.1/x',
      'ext::sh -c id',
      'http://',
      '//',
      '',
    ])('follows none to %s', async (location) => {
      server.behaviour = answers((_request, response) => {
        response.writeHead(302, { location }).end();
      });
      await expectFailure(['unreachable', 'failed', 'repository_not_found']);
    });
  });

  describe('floods', () => {
    it('an endless list of refs', async () => {
      const ref = pktLine(`${tip} refs/heads/${'x'.repeat(60_000)}\n`);
      server.behaviour = answers((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
        response.write(refsAnswer(goodRemote).subarray(0, -4));
        pour(response, ref);
      });
      expect((await expectFailure(['too_large'])).retryable).toBe(false);
    });

    it('a list of refs of 50,000 branches is read', async () => {
      const refs = Array.from(
        { length: 50_000 },
        (_, index) => [`refs/heads/b${index}`, tip] as const,
      );
      server.behaviour = hostileRemote({ ...goodRemote, refs: [...goodRemote.refs, ...refs] });
      expect(await attempt()).toBe('cloned');
    });

    it('a list of refs that is compressed a thousandfold', async () => {
      const ref = pktLine(`${tip} refs/heads/${'x'.repeat(60_000)}\n`);
      const text = Buffer.concat([
        refsAnswer(goodRemote).subarray(0, -4),
        ...Array<Buffer>(12_000).fill(ref),
      ]);
      const bomb = gzipSync(text, { level: 1 });
      server.behaviour = answersRefs(bomb, { 'content-encoding': 'gzip' });
      await expectFailure(['too_large', 'repository_not_found', 'failed']);
    });

    it('an endless file in the pack', async () => {
      const { bavail, bsize } = await statfs(folder);
      const minFreeDisk = bavail * bsize - 64 * MIB;
      server.behaviour = endlessPack();
      const error = await expectFailure(['too_large', 'failed'], {}, { minFreeDisk });
      expect(error.message).toMatch(/disk|memory/);
    });

    it('an endless stream of progress', async () => {
      server.behaviour = packThatStarts((response) =>
        pour(response, pktLine(`\u0002${'flood\r'.repeat(5000)}\n`)),
      );
      await expectFailure(['too_large', 'timeout'], {}, { timeoutMs: 5000 });
      expect(lines.length).toBeLessThan(1010);
    });

    it('a header without an end', async () => {
      server.behaviour = answers((request) => {
        request.socket.write('HTTP/1.1 200 OK\r\n');
        const more = (): void => {
          while (
            !request.socket.destroyed &&
            request.socket.write(`X-Header: ${'x'.repeat(4000)}\r\n`)
          );
        };
        request.socket.on('drain', more);
        more();
      });
      expect((await expectFailure(['unreachable'])).retryable).toBe(false);
    });

    it('a drip: one byte now and then, until the time is over', async () => {
      const text = refsAnswer(goodRemote);
      server.behaviour = answers((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
        let at = 0;
        const timer = setInterval(() => response.write(text.subarray(at, ++at)), 50);
        response.on('close', () => clearInterval(timer));
      });
      const error = await expectFailure(['timeout'], {}, { timeoutMs: 1500 });
      expect(error.retryable).toBe(true);
    });
  });

  describe('lies', () => {
    const head = pktLine('# service=git-upload-pack\n');
    it.each([
      ['nothing', Buffer.alloc(0)],
      ['no hexadecimal length', Buffer.concat([head, Buffer.from('0000zzzzabc')])],
      ['a length of 3', Buffer.concat([head, Buffer.from('00000003')])],
      ['a length over what comes', Buffer.concat([head, Buffer.from('0000ffffabc')])],
      ['a web page', Buffer.from('<html>hello</html>')],
      [
        'no name of a ref',
        Buffer.concat([head, Buffer.from('0000'), pktLine(`${tip}\0caps\n`), Buffer.from('0000')]),
      ],
      [
        'no SHA',
        refsAnswer({
          refs: [
            ['HEAD', 'x'.repeat(40)],
            ['refs/heads/main', 'x'.repeat(40)],
          ],
        }),
      ],
      ['a SHA that climbs', refsAnswer({ refs: [['HEAD', `../../../../${'a'.repeat(40)}`]] })],
      [
        'version 2 without anything',
        Buffer.concat([head, Buffer.from('0000'), pktLine('version 2\n'), Buffer.from('0000')]),
      ],
      ['an error', Buffer.concat([pktLine('ERR \u001b[31mno\u001b[0m\r\nforged: line\n')])],
    ])('a list of refs with %s', async (_what, refs) => {
      server.behaviour = answersRefs(refs);
      await expectFailure(['repository_not_found', 'failed', 'unreachable', 'ref_not_found']);
    });

    const [first, ...others] = [commit(goodTree.sha), goodTree, good];
    const whole = goodRemote.pack;
    it.each<[string, Buffer]>([
      ['nothing in it', Buffer.alloc(0)],
      ['half of it', whole.subarray(0, whole.length / 2)],
      ['no objects', pack([])],
      ['one object less', pack([first, ...others.slice(1)] as RawObject[])],
      ['a wrong object', pack([blob('other'), ...others])],
      [
        'a broken object',
        Buffer.concat([whole.subarray(0, 20), Buffer.alloc(30, 0xff), whole.subarray(50)]),
      ],
      [
        'a size that lies',
        packOf([Buffer.concat([entryHead(1, 2 ** 45), deflateSync(Buffer.from('x'))])]),
      ],
      [
        'an unknown type',
        packOf([Buffer.concat([entryHead(5, 1), deflateSync(Buffer.from('x'))])]),
      ],
      ['a delta on nothing', packOf([deltaEntry(blob('never sent'), 100)])],
      [
        'four billion objects',
        Buffer.concat([Buffer.from('PACK\0\0\0\u0002'), Buffer.alloc(4, 0xff), whole.subarray(12)]),
      ],
    ])('a pack with %s', async (_what, bytes) => {
      server.behaviour = hostileRemote({ ...goodRemote, pack: bytes });
      await expectFailure([
        'failed',
        'unreachable',
        'too_large',
        'ref_not_found',
        'repository_not_found',
      ]);
    });

    it('a pack with a wrong checksum: refused, or every object is what its name says', async () => {
      const wrong = Buffer.from(whole);
      wrong[wrong.length - 1] = (wrong[wrong.length - 1] ?? 0) ^ 1;
      server.behaviour = hostileRemote({ ...goodRemote, pack: wrong });
      await expectFailure(['failed', 'unreachable']);
    });

    it('a delta that becomes gigabytes', async () => {
      const base = blob(Buffer.alloc(0xffff));
      const bomb = deltaEntry(base, 3 * 2 ** 30);
      const entries = [first, goodTree, base].filter((object) => object !== undefined);
      const objects = pack(entries).subarray(12, -20);
      server.behaviour = hostileRemote({ ...goodRemote, pack: packOf4(objects, bomb) });
      await expectFailure(['too_large', 'failed', 'ref_not_found'], {}, { memory: 400 * MIB });
    });
  });

  describe('names', () => {
    it.each([
      'refs/heads/--upload-pack=x',
      'refs/heads/-rf',
      'refs/heads/../../x',
      'refs/heads/../../../../x',
      'refs/tags/../../config',
      'refs/tags/../hooks/post-checkout',
      'refs/heads/x.lock',
      'refs/heads/.git',
      'refs/heads/a\u0001b',
      '../../x',
      '/etc/x',
      'refs/heads/a\\b',
      'HEAD.lock',
    ])('the branch or tag %j', async (ref) => {
      const refs = [...deepRemote.refs, [ref, tip] as const];
      server.behaviour = hostileRemote({ ...deepRemote, refs });
      // What HEAD is; and a commit that no ref names, for which all refs are fetched.
      for (const request of [{}, { commit: parent.sha.slice(0, 12) }]) {
        await attempt({ ...request, depth: 0 });
        expect(['', 'clone']).toContain((await readdir(place)).join());
        await expectPlainClone(directory());
        await rm(directory(), { recursive: true, force: true });
      }
    });

    it.each([
      'refs/heads/../../../x',
      '../../../../etc/passwd',
      'refs/heads/-x',
      '',
      'refs/heads/main\u0007',
      'HEAD',
    ])('HEAD that leads to %j', async (symref) => {
      server.behaviour = hostileRemote({ ...goodRemote, symref });
      await attempt();
      await expectPlainClone(directory());
    });

    it('shows what the server says as lines that no terminal obeys', async () => {
      server.behaviour = hostileRemote({
        ...goodRemote,
        messages: [
          '\u001b[2J\u001b[1;31mred\u001b[0m\n',
          '\u001b]0;title\u0007\u001b]8;;http://evil\u001b\\link\n',
          'overwritten\rCloning into ...\r',
          'a\u009b31mb\u0000c\u2028forged\u202egnp.exe\n',
          `${'x'.repeat(60_000)}\n`,
          ...Array<string>(3000).fill('flood\n'),
        ],
      });
      expect(await attempt()).toBe('cloned');
      expect(lines.length).toBeLessThan(1010);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(1000);
      expect(lines.join('')).not.toMatch(/[\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
      expect(lines.some((line) => line.includes('red'))).toBe(true);
    });
  });

  it('ends when each answer asks for credentials again', async () => {
    server.behaviour = answers((_request, response) => {
      response.writeHead(401, { 'www-authenticate': `Basic realm="${'x'.repeat(1000)}"` }).end();
    });
    await expectFailure(['authentication_failed'], { url: server.url('x', 'user:sesame-open') });
    await expectFailure(['authentication_failed']);
    expect(server.seen.length).toBeLessThan(10);
  });
});

describe('GitHttpClient', () => {
  it('gives up on a connection that moves nothing', async () => {
    server.behaviour = { kind: 'stall', afterBytes: 0 };
    server.behaviour = answers((_request, response) => void response.writeHead(200).write('001e'));
    const resolver = new CheckedResolver(new AddressPolicy(allowPrivateUrls));
    const client = new GitHttpClient(new URL(server.url('x')).origin, resolver, {
      idleTimeoutMs: 200,
    });
    const answer = await client.request({ url: server.url('x') });
    const read = async (): Promise<void> => {
      while (!(await answer.body?.next())?.done);
    };
    read().catch(() => undefined);
    await expect(client.failure).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    client.close();
  });
});

/** The list of refs, and after the preliminaries of the pack what is given. */
function packThatStarts(go: (response: http.ServerResponse) => void): GitServerBehaviour {
  return answers((request, response) => {
    if (request.method === 'GET') return void sendRefs(response, refsAnswer(goodRemote));
    let body = '';
    request.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
      if (body.includes('deepen ')) response.write('0000');
      if (!body.includes('done')) return void response.end();
      response.write(pktLine('NAK\n'));
      go(response);
    });
  });
}

/** One object, a blob that says it is a terabyte and never ends. */
function endlessPack(): GitServerBehaviour {
  return packThatStarts((response) => {
    const start = Buffer.concat([
      Buffer.from('PACK\0\0\0\u0002\0\0\0\u0001'),
      entryHead(3, 2 ** 40),
      Buffer.from([0x78, 0x01]),
    ]);
    response.write(sideBand(1, start));
    // A stored block of deflate: 0x00, length, its complement, bytes.
    const stored = Buffer.concat([
      Buffer.from([0, 0x00, 0xf0, 0xff, 0x0f]),
      Buffer.alloc(0xf000, 7),
    ]);
    pour(response, sideBand(1, stored));
  });
}

function packOf4(three: Buffer, fourth: Buffer): Buffer {
  return packOf([three, fourth, Buffer.alloc(0), Buffer.alloc(0)]);
}

/** Only what a clone makes, no path that a name of the server could have made. */
async function expectPlainClone(clone: string): Promise<void> {
  const files = await readdir(clone).catch(() => undefined);
  if (files === undefined) return;
  expect(files.sort()).toEqual(['.git', 'good']);
  const names = await readdir(join(clone, '.git'));
  const usual = [
    'FETCH_HEAD',
    'HEAD',
    'branches',
    'config',
    'description',
    'hooks',
    'index',
    'info',
    'logs',
    'objects',
    'packed-refs',
    'refs',
    'shallow',
  ];
  expect(names.filter((found) => !usual.includes(found))).toEqual([]);
  expect(await readdir(join(clone, '.git', 'hooks')).catch(() => [])).toEqual([]);
  expect(await readFile(join(clone, '.git', 'config'), 'utf8')).toMatch(/^\[core\]/);
  expect(await readFile(join(clone, '.git', 'HEAD'), 'utf8')).toMatch(
    /^(?:ref: refs\/heads\/[\w/-]+|[0-9a-f]{40})\n$/,
  );
}
