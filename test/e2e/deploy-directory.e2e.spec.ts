import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandLine } from '../support/command-line.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';

interface DeploymentBody {
  readonly deployment_id: string;
  readonly kind: string;
  readonly status: string;
  readonly reason: { readonly code: string; readonly message: string };
  readonly warnings: readonly { readonly code: string }[];
  readonly release: { readonly number: number; readonly status: string } | null;
  readonly previous_release: number | null;
  readonly artifacts: readonly { readonly path: string; readonly files: number }[];
  readonly phases: readonly { readonly name: string }[];
}

describe('deploy: local_directory', () => {
  let folder: string;
  let server: MillraceServer;

  beforeAll(async () => {
    // Resolved: on some machines the folder for temporary files is a link.
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-deploy-')));
    // Steps look into it.
    chmodSync(folder, 0o755);
    server = await MillraceServer.start({ environment: { DEPLOY_FOLDERS: folder } });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const yaml = (service: string, run: string, keys = ''): string => `name: ${service}
triggers: [{ manual: { inputs: { text: { type: string, default: one } } } }]
steps:
  - name: build
    environment: { TEXT: "\${{ inputs.text }}" }
    run: |
      ${run}
  - name: ship
    deploy: { type: local_directory, service: ${service}, source: out, ${keys} }
`;
  const BUILD = 'mkdir -p out/css; printf "$TEXT" >out/index.html; printf b >out/css/site.css';
  const deploy = async (pipeline: string, text: string): Promise<ExecutionBody> =>
    server.finished(await server.trigger(pipeline, { inputs: { text } }));
  const deploymentOf = async ({ stages }: ExecutionBody): Promise<DeploymentBody> => {
    const [ship] = stages.flatMap(({ steps }) => steps).filter(({ name }) => name === 'ship');
    const id = ship?.attempts[0]?.deployment?.id ?? '';
    return server.call('GET', `/api/deployments/${id}`);
  };
  const rollback = (id: string, body?: unknown): Promise<DeploymentBody> =>
    server.rolledBack<DeploymentBody>(id, body);
  const current = (service: string): string =>
    readFileSync(join(folder, service, 'current/index.html'), 'utf8');

  it('serves the newest release, keeps those before, and goes back', async () => {
    const pipeline = await server.createPipeline(yaml('shop', BUILD, 'keep: 2'));
    const first = await deploymentOf(await deploy(pipeline, 'one'));
    expect(first).toMatchObject({
      ...{ kind: 'deploy', status: 'success', previous_release: null },
      reason: { code: 'release_serves' },
      release: { number: 1, status: 'serving' },
      artifacts: [{ path: join(folder, 'shop/releases/1'), files: 2 }],
      phases: ['plan', 'prepare', 'switch', 'clean_up'].map((name) => ({ name })),
    });
    expect(current('shop')).toBe('one');
    const second = await deploymentOf(await deploy(pipeline, 'two'));
    expect(second).toMatchObject({ previous_release: 1, release: { number: 2 } });
    expect(current('shop')).toBe('two');
    await deploy(pipeline, 'three');
    // Two are kept, the one that serves among them.
    expect(readdirSync(join(folder, 'shop/releases')).sort()).toEqual(['2', '3']);
    const back = await rollback(second.deployment_id);
    expect(back).toMatchObject({
      ...{ kind: 'rollback', status: 'success', previous_release: 3 },
      release: { number: 2, status: 'serving' },
    });
    expect(current('shop')).toBe('two');
    await rollback(second.deployment_id, { release: 3 });
    expect(current('shop')).toBe('three');
  });

  it('says why it is as it is, by the command line, as its execution does', async () => {
    const pipeline = await server.createPipeline(yaml('why', BUILD));
    const execution = await deploy(pipeline, 'one');
    const { deployment_id: id } = await deploymentOf(execution);
    const { baseUrl, token } = server;
    const cli = new CommandLine(folder, { MILLRACE_URL: baseUrl, MILLRACE_TOKEN: token });
    const why = await cli.run(['explain', id]);
    expect(why.stdout).toMatch(
      new RegExp(`^Deployment ${id} of default/why is success: release 1 serves; nothing did`),
    );
    expect(why.stdout).toMatch(/^ {2}cause {5}the step \S+\/ship of why deploys .* \(\d{4}-/m);
    expect(why.stdout).toMatch(/^ {2}switch {4}from here on release 1 served; nothing had before/m);
    const whole = await cli.run(['explain', execution.id]);
    expect(whole.stdout).toContain(
      `deployment ${id} of default/why is success: release 1 serves; nothing did before\n`,
    );
    const none = await cli.run(['explain', id.replace(/^.{8}/, '00000000')]);
    expect(none).toMatchObject({ code: 5 });
    expect(none.stderr).toContain('There is no execution and no deployment 00000000-');
  });

  it('deploys the folder that one file names, and guesses none', async () => {
    const site = (service: string, run: string): string =>
      yaml(service, run).replace('source: out, ', '');
    const write = 'mkdir public; printf found >public/index.html';
    const found = await deploy(await server.createPipeline(site('found', write)), '');
    expect(await deploymentOf(found)).toMatchObject({
      ...{ status: 'success', artifacts: [{ files: 1 }] },
      logs: expect.arrayContaining(['found: source public: public/index.html']) as unknown,
    });
    expect(current('found')).toBe('found');
    const tool = `echo '{ "devDependencies": { "vite": "7" } }' >package.json; mkdir dist`;
    const guessed = await deploy(await server.createPipeline(site('guessed', tool)), '');
    expect(guessed.status).toBe('failed');
    expect(JSON.stringify(guessed)).toContain('source_unknown');
    expect(JSON.stringify(guessed)).toContain('it may be \\"dist\\"');
  });

  it('says what cannot be gone back to', async () => {
    const pipeline = await server.createPipeline(yaml('back', BUILD));
    const { deployment_id: id } = await deploymentOf(await deploy(pipeline, 'one'));
    const path = `/api/deployments/${id}/rollback`;
    const refusal = async (body?: unknown): Promise<[number, string]> => {
      const response = await server.fetch('POST', path, body);
      return [response.status, ((await response.json()) as { message: string }).message];
    };
    expect(await refusal()).toEqual([409, expect.stringContaining('No release of default/back')]);
    expect(await refusal({ release: 1 })).toEqual([409, 'Release 1 serves already.']);
    expect(await refusal({ release: 7 })).toEqual([409, 'There is no release 7.']);
    await deploy(pipeline, 'two');
    writeFileSync(join(folder, 'back/releases/1/index.html'), 'changed by somebody');
    expect(await rollback(id)).toMatchObject({
      status: 'failed',
      reason: { code: 'release_changed' },
    });
    expect(current('back')).toBe('two');
    rmSync(join(folder, 'back/releases/1'), { recursive: true });
    expect(await rollback(id)).toMatchObject({ reason: { code: 'release_gone' } });
  });

  it('gives files that all can read and nobody else can write, and folders that releases share', async () => {
    const build = `${BUILD}; chmod 600 out/index.html; chmod 4777 out/css/site.css; mkdir out/uploads; printf u >out/uploads/u; ln -s css/site.css out/in; ln -s /etc/passwd out/outside`;
    const keys = 'shared: [uploads, var/cache], exclude: ["*.css"]';
    const pipeline = await server.createPipeline(yaml('modes', build, keys));
    const { warnings } = await deploymentOf(await deploy(pipeline, 'one'));
    const release = join(folder, 'modes/releases/1');
    const modeOf = (path: string): number => statSync(join(release, path)).mode & 0o7777;
    expect(modeOf('index.html')).toBe(0o644);
    expect(modeOf('css/site.css')).toBe(0o755);
    expect(readlinkSync(join(release, 'in'))).toBe('css/site.css');
    expect(existsSync(join(release, 'outside'))).toBe(false);
    expect(warnings.map(({ code }) => code)).toContain('left_out');
    writeFileSync(join(release, 'uploads/kept'), 'k');
    expect(readdirSync(join(release, 'uploads'))).toEqual(['kept']);
    await deploy(pipeline, 'two');
    expect(readFileSync(join(folder, 'modes/current/uploads/kept'), 'utf8')).toBe('k');
    expect(lstatSync(join(folder, 'modes/current/var/cache')).isSymbolicLink()).toBe(true);
  });

  it.each([
    ['path: /etc/millrace', 'path_not_allowed'],
    ['path: "${{ inputs.text }}"', 'path_not_allowed'],
    ['path: linked/shop', 'path_unusable'],
    ['environment: "${{ inputs.text }}"', 'name_invalid'],
  ])('refuses %s', async (keys, code) => {
    if (!existsSync(join(folder, 'linked'))) symlinkSync('/tmp', join(folder, 'linked'));
    const pipeline = await server.createPipeline(yaml('refused', BUILD, keys));
    const { status, stages } = await deploy(pipeline, '../../etc');
    expect([status, stages[0]?.steps[1]?.reason?.code]).toEqual(['failed', code]);
  });

  it.each([
    ['source: nothing', 'source_missing'],
    ['source: linked', 'source_outside'],
  ])('refuses %s, and what serves stays', async (source, code) => {
    const good = await server.createPipeline(yaml('source', BUILD));
    await deploy(good, 'one');
    const text = yaml('source', `ln -s /etc linked; ${BUILD}`).replace('source: out', source);
    const bad = await server.createPipeline(text.replace('name: source', `name: bad-${code}`));
    const { stages } = await deploy(bad, 'two');
    expect(stages[0]?.steps[1]?.reason?.code).toBe(code);
    expect(current('source')).toBe('one');
    expect(readdirSync(join(folder, 'source/releases'))).toContain('1');
  });

  it('refuses a place that another service has, or has a part of', async () => {
    await deploy(await server.createPipeline(yaml('first', BUILD, 'path: place/a')), 'one');
    for (const path of ['place/a', 'place/a/releases', 'place']) {
      const name = `second-${path.replaceAll('/', '-')}`;
      const pipeline = await server.createPipeline(yaml(name, BUILD, `path: ${path}`));
      const { stages } = await deploy(pipeline, 'two');
      expect([path, stages[0]?.steps[1]?.reason?.code]).toEqual([path, 'path_taken']);
    }
    expect(readFileSync(join(folder, 'place/a/current/index.html'), 'utf8')).toBe('one');
  });

  it('deploys in order, one at a time, and refuses an execution that is older', async () => {
    const text = yaml('line', `until [ ! -e ${folder}/hold-$TEXT ]; do sleep 0.05; done; ${BUILD}`);
    const pipeline = await server.createPipeline(text);
    writeFileSync(join(folder, 'hold-old'), '');
    const old = await server.trigger(pipeline, { inputs: { text: 'old' } });
    await deploy(pipeline, 'new');
    rmSync(join(folder, 'hold-old'));
    const late = await server.finished(old);
    expect(late.stages[0]?.steps[1]?.reason?.code).toBe('older_execution');
    expect(current('line')).toBe('new');
    const many = await Promise.all(
      Array.from({ length: 5 }, (_item, n) =>
        server.trigger(pipeline, { inputs: { text: `n${n}` } }),
      ),
    );
    const ends = await Promise.all(many.map((id) => server.finished(id)));
    const codes = ends.map(({ stages }) => stages[0]?.steps[1]?.reason?.code);
    // The newest always gets there; an older one before it, or not at all.
    expect(codes.at(-1)).not.toBe('older_execution');
    expect(current('line')).toBe('n4');
  });

  it('is listed by service, and found by its execution', async () => {
    const execution = await deploy(await server.createPipeline(yaml('listed', BUILD)), 'one');
    for (const query of ['service=listed', `execution_id=${execution.id}`]) {
      const path = `/api/deployments?${query}`;
      const { items } = await server.call<{ items: DeploymentBody[] }>('GET', path);
      expect(items.map(({ status }) => status)).toEqual(['success']);
    }
  });
});
