import { chmod, cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryFile, packageRoot } from '../../src/config/paths.js';
import { documentedBlocks } from '../support/documented-blocks.js';
import { removeTree } from '../support/remove-tree.js';
import { MillraceServer } from '../support/millrace-server.js';
import { PastingShell, type PastedLine } from '../support/pasting-shell.js';

const TOKEN = 'test-token-of-24-characters';
const LOCAL_URL = 'http://127.0.0.1:8000';
const LOCAL_TOKEN = '/var/lib/millrace/token';

/**
 * Blocks that are not run here, by how they begin, and why not. Every other one is: a new block is
 * tested or stands here.
 */
const NOT_RUN: Readonly<Record<string, string>> = {
  './millrace start ': 'brings up a whole server: start.e2e.spec.ts',
  'export MONGODB_URI=': 'needs other hosts',
  'for name in MILLRACE_TOKEN': 'needs Docker: docker.e2e.spec.ts',
  './millrace test ': 'runs this',
  './millrace login ': 'needs another host: cli-client.e2e.spec.ts',
  './millrace repositories connect ': 'needs a forge: cli-events.e2e.spec.ts',
  './millrace plan --event': "names files that stand for the reader's: cli.e2e.spec.ts",
  './millrace run  ': "names files of the reader's, and opens a shell: cli-run-tree.e2e.spec.ts",
  'source <(': 'is of three shells: cli-client.e2e.spec.ts',
  'echo SERVICES_APART=': 'changes the machine: services-apart.e2e.spec.ts',
  'git clone … /opt/millrace': 'changes the machine: systemd-units.spec.ts',
  'MONGODB_URI=mongodb://millrace:<': 'is a file of variables',
  'AUTH_MODE=oauth ': 'is a file of variables: login.e2e.spec.ts',
  './millrace detect ': 'clones from github.com: detect.e2e.spec.ts',
  'git archive --format tar.gz HEAD': 'sends the project of the reader: detect.e2e.spec.ts',
  "{ echo 'NOTES<<END'": 'is the command of a step: outputs of scenarios',
  'npm run faults': 'takes hours',
  'npm run soak': 'takes hours: soak.e2e.spec.ts',
  'BODY=': 'needs a secret that was made before: pipeline-webhook.e2e.spec.ts',
  './millrace secrets set DEPLOY_KEY --repository':
    'needs a connected repository: secrets.e2e.spec.ts',
};

/** What a page takes from the README: the address and the token. */
const FROM_README = /^(?:API|AUTH)=.*$/gm;

const blocks = documentedBlocks('sh');
const reasonOf = (text: string): string | undefined =>
  Object.keys(NOT_RUN).find((begin) => text.startsWith(begin));
const run = blocks.filter(({ text }) => reasonOf(text) === undefined);
const pages = [...new Set(run.map(({ page }) => page))];

/**
 * The commands of the documents, pasted line by line into the shell of somebody who has cloned
 * Millrace, with an empty home, at a server that has the pipeline of the first start.
 */
describe('commands of the documents', () => {
  let server: MillraceServer;
  let folder: string;
  let clone: string;

  beforeAll(async () => {
    server = await MillraceServer.start();
    folder = await mkdtemp(join(tmpdir(), 'millrace-readme-'));
    clone = join(folder, 'millrace');
    // Steps may be another user.
    await chmod(folder, 0o755);
    for (const name of ['home', 'data', 'bin', 'millrace']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'data/token'), TOKEN, { mode: 0o600 });
    await writeFile(join(folder, 'data/url'), server.baseUrl);
    await cp(join(packageRoot(), 'examples'), join(clone, 'examples'), { recursive: true });
    // Files of the reader.
    for (const name of ['token.txt', 'id_ed25519']) await writeFile(join(clone, name), 'hidden');
    await program('millrace/millrace', `exec "${process.execPath}" "${entryFile('cli')}" "$@"`);
    // A refusal of the server is a failure here; that of a cancel that comes too late the document
    // names.
    await program(
      'bin/curl',
      'out=$(/usr/bin/curl --fail-with-body "$@"); code=$?; printf "%s\\n" "$out"\n' +
        'case "$code$*$out" in 22*/cancel*ConflictError*) exit 0 ;; esac\nexit $code',
    );
    // As the first start does it.
    expect(await pasted('./millrace apply examples/hello.yaml')).toMatchObject([{ code: 0 }]);
  });
  afterAll(async () => {
    await server?.stop();
    await removeTree(folder);
  });

  async function program(name: string, script: string): Promise<void> {
    await writeFile(join(folder, name), `#!/bin/bash\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }

  /** Of texts that one person pastes one after another, into one shell. */
  async function pasted(...texts: string[]): Promise<PastedLine[]> {
    const shell = await PastingShell.open(clone, {
      HOME: join(folder, 'home'),
      MILLRACE_HOME: join(folder, 'data'),
      PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    });
    try {
      const lines: PastedLine[] = [];
      for (const text of texts) lines.push(...(await shell.pasteAll(here(text))));
      return lines;
    } finally {
      await shell.close();
    }
  }

  const here = (text: string): string =>
    text.replaceAll(LOCAL_URL, server.baseUrl).replaceAll(LOCAL_TOKEN, join(folder, 'data/token'));

  it('are run, or it is said why not', () => {
    expect(pages).toEqual(['README.md', 'docs/cli.md', 'docs/observability.md']);
    const stale = Object.keys(NOT_RUN).filter(
      (begin) => !blocks.some(({ text }) => text.startsWith(begin)),
    );
    expect(stale).toEqual([]);
  });

  it.each(pages)(
    'each line of %s works as it is pasted',
    async (page) => {
      const texts = run.filter((block) => block.page === page).map(({ text }) => text);
      const known = blocks.filter((block) => block.page === 'README.md' && page !== block.page);
      const before = known.flatMap(({ text }) => text.match(FROM_README) ?? []);
      const lines = await pasted(...before, ...texts);
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.filter(({ code }) => code !== 0)).toEqual([]);
      expect(lines.filter(({ said }) => /command not found|event not found/.test(said))).toEqual(
        [],
      );
    },
    240_000,
  );

  it('twice the same file is one pipeline', async () => {
    const [again] = await pasted('./millrace apply examples/hello.yaml');
    expect(again?.said).toMatch(/^\S+ {2}hello {2}version 1 {2}unchanged\n$/);
    const { items } = await server.call<{ items: { name: string }[] }>(
      'GET',
      '/api/ci/pipelines?limit=200',
    );
    expect(items.filter(({ name }) => name === 'hello')).toHaveLength(1);
  });
});
