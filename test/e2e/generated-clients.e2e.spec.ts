import { execFile, spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/config/paths.js';
import { MillraceServer } from '../support/millrace-server.js';

const run = promisify(execFile);
const root = packageRoot();
const programs = join(root, 'test/generated-clients');
const openapi = join(root, 'openapi.json');
const token = 'test-token-of-24-characters';
const bin = (name: string): string => join(root, 'node_modules/.bin', name);

/** Clients as users make them of the document, compiled and used against a real server. */
describe('clients generated from openapi.json', () => {
  let server: MillraceServer;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-clients-'));
    server = await MillraceServer.start();
  });

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('TypeScript: openapi-typescript and openapi-fetch', async () => {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await copyFile(join(programs, 'use-client.ts'), join(folder, 'use-client.ts'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await run(bin('openapi-typescript'), [openapi, '-o', join(folder, 'schema.d.ts')]);
    const options = '--strict --exactOptionalPropertyTypes --module nodenext --target es2022';
    const types = ['--types', 'node', '--lib', 'es2023,dom'];
    const compile = [...options.split(' '), ...types, 'schema.d.ts', 'use-client.ts'];
    // What is wrong with the types stands on stdout.
    const compiled = await run(bin('tsc'), compile, { cwd: folder }).catch(
      (error: unknown) => error,
    );
    expect(compiled).toMatchObject({ stdout: '' });
    const program = [join(folder, 'use-client.js'), server.baseUrl, token];
    const { stdout } = await run(process.execPath, program);
    expect(JSON.parse(stdout)).toEqual({
      status: 'success',
      commit: null,
      author: null,
      reason: 'string',
      steps: ['say'],
      starts: true,
      repository: null,
      listed: 3,
      log: 'from TypeScript\n',
      missing: 'NotFoundError',
    });
  });

  pythonIt('Python: openapi-python-client', async (venv) => {
    const python = join(venv, 'bin/python');
    const generate = [
      ...['-m', 'openapi_python_client', 'generate', '--path', openapi, '--meta', 'none'],
      ...['--output-path', join(folder, 'millrace_client')],
    ];
    const made = await run(python, generate, { cwd: folder });
    // A badge is a picture and for no client; of bodies it takes those of JSON alone.
    const left = `${made.stdout}${made.stderr}`.match(/^(?:WARNING|ERROR) .*$/gm) ?? [];
    const routes = left.map((line) => /(?:GET|POST|PUT) \S+/.exec(line)?.[0] ?? line);
    expect([...new Set(routes)]).toEqual([
      'POST /api/ci/pipelines',
      'POST /api/ci/pipelines/validate',
      'PUT /api/ci/pipelines/{id}',
      'POST /api/ci/pipelines/plan',
      'GET /api/badges/{pipeline_id}.svg',
    ]);
    const use = [join(programs, 'use_client.py'), server.baseUrl, token];
    const env = { ...process.env, PYTHONPATH: folder };
    const { stdout } = await run(python, use, { cwd: folder, env });
    expect(JSON.parse(stdout)).toEqual({
      status: 'success',
      commit: null,
      seconds: true,
      steps: ['say'],
      queue: null,
      starts: true,
      repository: null,
      listed: 3,
      log: ['from Python'],
      missing: 'NotFoundError',
    });
  });
});

/** Where there is no Python or no PyPI it is skipped and says so; in CI it fails. */
function pythonIt(name: string, test: (venv: string) => Promise<void>): void {
  const { status, stdout, stderr } = spawnSync(join(programs, 'python-venv'), { encoding: 'utf8' });
  if (status === 0) return it(name, () => test(stdout.trim()));
  if (process.env['CI'] !== undefined) {
    return it(name, () => {
      throw new Error(stderr);
    });
  }
  process.stderr.write(`generated clients: Python is skipped: ${stderr}`);
  it.skip(name, () => undefined);
}
