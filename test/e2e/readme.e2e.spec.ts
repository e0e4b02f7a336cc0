import { chmod, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryFile, packageRoot } from '../../src/config/paths.js';
import { removeTree } from '../support/remove-tree.js';
import { runProgram } from '../support/command-line.js';
import { MillraceServer } from '../support/millrace-server.js';

const TOKEN = 'test-token-of-24-characters';
const LOCAL_URL = 'http://127.0.0.1:8000';
const LOCAL_TOKEN = '/var/lib/millrace/token';

/**
 * Blocks that are not run here, by how they begin. Every other one is: a new block is tested or
 * stands here.
 */
const NOT_RUN: readonly string[] = [
  './millrace start ', // Brings up a whole server: start.e2e.spec.ts.
  'export MONGODB_URI=', // Needs other hosts.
  'for name in MILLRACE_TOKEN', // Needs Docker: docker.e2e.spec.ts.
  './millrace test ', // Runs this.
  './millrace login ', // Needs another host: cli-client.e2e.spec.ts.
  './millrace repositories connect ', // Needs a forge: cli-events.e2e.spec.ts.
  './millrace plan --event', // Names files that stand for the reader's: cli.e2e.spec.ts.
  './millrace run  ', // Names files of the reader's, and opens a shell: cli-run-tree.e2e.spec.ts.
  'source <(', // Is for interactive shells: cli-client.e2e.spec.ts.
];

/**
 * The commands of the documents, run as they stand there, on a server that has the pipeline of the
 * first start.
 */
describe('commands of README.md and docs/cli.md', () => {
  let server: MillraceServer;
  let folder: string;

  beforeAll(async () => {
    server = await MillraceServer.start();
    folder = await mkdtemp(join(tmpdir(), 'millrace-readme-'));
    // Steps may be another user.
    await chmod(folder, 0o755);
    const home = join(folder, 'home');
    await mkdir(home);
    await writeFile(join(home, 'token'), TOKEN, { mode: 0o600 });
    await writeFile(join(home, 'url'), server.baseUrl);
    await symlink(join(packageRoot(), 'examples'), join(folder, 'examples'));
    // Files of the reader.
    for (const name of ['token.txt', 'id_ed25519']) await writeFile(join(folder, name), 'hidden');
    await program('millrace', `exec "${process.execPath}" "${entryFile('cli')}" "$@"`);
    await mkdir(join(folder, 'bin'));
    // A refusal of the server is a failure here; that of a cancel that comes too late the document
    // names.
    await program(
      'bin/curl',
      'out=$(/usr/bin/curl --fail-with-body "$@"); code=$?; printf "%s\\n" "$out"\n' +
        'case "$code$*$out" in 22*/cancel*ConflictError*) exit 0 ;; esac\nexit $code',
    );
    // As the first start does it.
    const first = await shell('./millrace apply examples/hello.yaml');
    if (first.code !== 0) throw new Error(first.stderr);
  });
  afterAll(async () => {
    await server?.stop();
    await removeTree(folder);
  });

  async function program(name: string, script: string): Promise<void> {
    await writeFile(join(folder, name), `#!/bin/bash\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }

  /** Any command of it that fails ends it. */
  function shell(script: string): ReturnType<typeof runProgram> {
    const args = ['-eo', 'pipefail', '-c', `cd "$FOLDER"; ${script}`];
    return runProgram('bash', args, {
      FOLDER: folder,
      HOME: folder,
      MILLRACE_HOME: join(folder, 'home'),
      PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    });
  }

  async function blocks(document: string): Promise<string[]> {
    const text = await readFile(join(packageRoot(), document), 'utf8');
    return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  }

  it.each(['README.md', 'docs/cli.md'])(
    'those of %s work',
    async (document) => {
      const run = (await blocks(document)).filter(
        (block) => !NOT_RUN.some((begin) => block.startsWith(begin)),
      );
      expect(run.length).toBeGreaterThan(0);
      for (const block of run) {
        const script = block
          .replaceAll(LOCAL_URL, server.baseUrl)
          .replaceAll(LOCAL_TOKEN, join(folder, 'home/token'));
        const { code, stdout, stderr } = await shell(script);
        expect({ block, code, told: code === 0 ? '' : stdout + stderr }).toEqual({
          block,
          code: 0,
          told: '',
        });
      }
    },
    120_000,
  );

  it('twice the same file is one pipeline', async () => {
    const again = await shell('./millrace apply examples/hello.yaml');
    expect(again.stdout).toMatch(/^\S+ {2}hello {2}version 1 {2}unchanged\n$/);
    const { items } = await server.call<{ items: { name: string }[] }>(
      'GET',
      '/api/ci/pipelines?limit=200',
    );
    expect(items.filter(({ name }) => name === 'hello')).toHaveLength(1);
  });
});
