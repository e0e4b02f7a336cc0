import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { MillraceServer } from '../support/millrace-server.js';

interface ArtifactBody {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly digest: string;
  readonly step: string;
  readonly attempt: number;
  readonly expires_at: string | null;
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

describe('artifacts', () => {
  let server: MillraceServer;
  let id: string;
  const base = (): string => `/api/ci/executions/${id}`;

  beforeAll(async () => {
    server = await MillraceServer.start({ environment: { MAX_ARTIFACTS_SIZE: '4m' } });
    const execution = await server.run(`name: a
stages:
  - name: build
    steps:
      - name: pack
        run: |
          mkdir -p dist/sub .hidden
          printf hello >dist/app.js
          printf '<script>' >'dist/sub/a b%20c.html'
          printf h >.hidden/h
          chmod 755 dist/app.js
          ln -s app.js dist/inside
          ln -s /etc/passwd dist/outside
          mkfifo dist/pipe
        artifacts: { paths: [dist, '.hidden/**', nothing], expire_in: 7d }
      - name: fails
        run: printf "$CI_STEP_ATTEMPT" >dist/app.js; exit 1
        retry: { max: 1, backoff: { initial: 1ms } }
        continue_on_error: true
        artifacts: { paths: dist/app.js, when: always, name: log }
`);
    ({ id } = execution);
    expect(execution.status).toBe('success');
  });
  afterAll(() => server.stop());

  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    server.fetch('GET', `${base()}${path}`, undefined, headers);

  it('are listed flat, each with its digest', async () => {
    const { items } = await server.call<{ items: ArtifactBody[] }>('GET', `${base()}/artifacts`);
    expect(items.map(({ path, step, attempt }) => `${path} ${step} ${attempt}`).sort()).toEqual([
      '.hidden/h pack 1',
      'dist/app.js fails 1',
      'dist/app.js fails 2',
      'dist/app.js pack 1',
      'dist/sub/a b%20c.html pack 1',
    ]);
    const packed = items.find(({ path, step }) => path === 'dist/app.js' && step === 'pack');
    expect(packed).toMatchObject({ name: 'pack', size: 5, digest: sha256('hello') });
    expect(Date.parse(packed?.expires_at ?? '') - Date.now()).toBeGreaterThan(6.9 * 86_400_000);
    const log = await server.logText(id);
    expect(log).toContain('left out dist/outside: it is a link out of the workspace');
    expect(log).toContain('left out dist/pipe: it is no file, folder or link');
    expect(log).toContain('nothing fits nothing');
  });

  it('are downloaded: of several the last, or the one that is named', async () => {
    expect(await (await get('/artifacts/dist/app.js')).text()).toBe('2');
    expect(await (await get('/artifacts/dist/app.js?step=fails&attempt=1')).text()).toBe('1');
    const response = await get('/artifacts/dist/app.js?step=pack');
    expect(await response.text()).toBe('hello');
    expect(response.headers.get('etag')).toBe(`"${sha256('hello')}"`);
    expect(response.headers.get('content-disposition')).toContain('attachment');
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    const odd = `/artifacts/dist/sub/${encodeURIComponent('a b%20c.html')}`;
    expect(await (await get(odd)).text()).toBe('<script>');
  });

  it('are given by ranges', async () => {
    const path = '/artifacts/dist/app.js?step=pack';
    const part = await get(path, { range: 'bytes=1-3' });
    expect([part.status, await part.text()]).toEqual([206, 'ell']);
    expect(part.headers.get('content-range')).toBe('bytes 1-3/5');
    const end = await get(path, { range: 'bytes=-2' });
    expect(await end.text()).toBe('lo');
    const begun = { range: 'bytes=1-3', 'if-range': part.headers.get('etag') ?? '' };
    expect((await get(path, begun)).status).toBe(206);
    const other = await get(path, { ...begun, 'if-range': '"of another file"' });
    expect([other.status, await other.text()]).toEqual([200, 'hello']);
    const beyond = await get(path, { range: 'bytes=9-' });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */5']);
  });

  it.each([
    '/artifacts/nothing',
    '/artifacts/dist',
    '/artifacts/..%2f..%2fetc%2fpasswd',
    '/artifacts/dist/app.js?step=other',
    '/artifacts/dist/outside',
  ])('%s is not there', async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  it('are given several in one archive', async () => {
    const response = await get('/artifacts.tar.gz?paths=dist/**&paths=.hidden/h');
    expect(response.headers.get('content-disposition')).toMatch(/artifacts-.*\.tar\.gz/);
    const tar = spawn('tar', ['-tzf', '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
    tar.stdin.end(Buffer.from(await response.arrayBuffer()));
    const [names] = await Promise.all([text(tar.stdout), once(tar, 'exit')]);
    expect(names.split('\n').filter(Boolean).sort()).toEqual([
      '.hidden/h',
      'dist/app.js',
      'dist/sub/a b%20c.html',
    ]);
    expect((await get('/artifacts.tar.gz?paths=/etc/*')).status).toBe(400);
  });

  it('are refused beyond what an execution may keep', async () => {
    const execution = await server.run(`name: b
steps:
  - { name: large, run: head -c 5000000 /dev/zero >large, artifacts: large }
`);
    expect(execution.status).toBe('failed');
    expect(execution.stages[0]?.steps[0]?.reason?.code).toBe('artifacts_too_large');
    const path = `/api/ci/executions/${execution.id}/artifacts`;
    expect((await server.call<{ items: unknown[] }>('GET', path)).items).toEqual([]);
  });

  it('refuses a path that an expression leads out of the workspace', async () => {
    const yaml = `name: c
environment: { P: ../x }
steps: [{ run: 'true', artifacts: '\${{ env.P }}' }]
`;
    const execution = await server.run(yaml);
    expect(execution.stages[0]?.steps[0]?.reason?.code).toBe('artifact_path_invalid');
  });

  it('lists 10,000 of them by the page', async () => {
    const execution = await server.run(
      `name: d
steps:
  - run: 'mkdir d; i=0; while [ $i -lt 10000 ]; do : >d/$i; i=$((i+1)); done'
    artifacts: d
`,
      {},
      120_000,
    );
    expect(execution.status).toBe('success');
    let cursor = '';
    let count = 0;
    do {
      const page = await server.call<{ items: unknown[]; next_cursor: string | null }>(
        'GET',
        `/api/ci/executions/${execution.id}/artifacts?limit=200${cursor}`,
      );
      count += page.items.length;
      cursor = page.next_cursor === null ? '' : `&cursor=${encodeURIComponent(page.next_cursor)}`;
    } while (cursor !== '');
    expect(count).toBe(10_000);
  });

  it('are brought into the workspace of a later step, over what is there', async () => {
    const execution = await server.run(`name: e
stages:
  - name: build
    steps: [{ run: 'mkdir -p out/a; echo v1 >out/a/f; ln -s a/f out/l', artifacts: out }]
  - name: use
    steps:
      - run: 'rm -rf out; mkdir -p out/a; echo other >out/a/f; echo mine >out/a/own; ln -s /etc out/link'
      - run: 'cat out/a/f out/l out/a/own; echo more >>out/a/f'
        artifacts_from: build
`);
    const log = await server.logText(execution.id);
    expect(log).toContain('artifacts: brings build/step-1, attempt 1');
    expect(log.split('\n').filter((line) => /^(v1|mine|other)$/.test(line))).toEqual([
      'v1',
      'v1',
      'mine',
    ]);
    expect(execution.status).toBe('success');
  });

  it('of another pipeline are those of its last success on the branch', async () => {
    const lib = await server.createPipeline(`name: lib
steps: [{ run: 'echo "$CI_EXECUTION_NUMBER" >f; [ "$FAIL" != yes ]', artifacts: { paths: f, when: always } }]
`);
    const runLib = async (branch: string, environment = {}): Promise<void> => {
      await server.finished(await server.trigger(lib, { branch, environment }));
    };
    await runLib('main');
    await runLib('other');
    await runLib('main', { FAIL: 'yes' });
    const take = (branch: string) =>
      server.run(
        `name: t-${branch}\nsteps: [{ run: cat f, artifacts_from: { pipeline: lib, branch: ${branch} } }]\n`,
      );
    const taken = await take('main');
    expect(await server.logText(taken.id)).toMatch(/brings main\/step-1, attempt 1 of lib#1\n1\n/);
    const none = await take('nowhere');
    expect(none.stages[0]?.steps[0]?.reason).toMatchObject({
      code: 'artifacts_missing',
      message: expect.stringContaining('lib has no success on nowhere yet') as unknown,
    });
  });
});
