import { ContainerServer } from '../support/container-server.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { STEP_IMAGE } from '../support/step-image.js';

interface CacheBody {
  readonly id: string;
  readonly key: string;
  readonly scope: string;
  readonly size: number;
}

describe('caches', () => {
  let server: MillraceServer;
  beforeAll(async () => {
    server = await MillraceServer.start();
  });
  afterAll(() => server.stop());

  const runAgain = async (pipeline: string, environment = {}): Promise<string> => {
    const id = await server.trigger(pipeline, { environment });
    const ended = await server.finished(id);
    expect(ended.status).toBe('success');
    return server.logText(id);
  };

  it('of paths are a miss, saved, and then a hit, by the content of files', async () => {
    const pipeline = await server.createPipeline(`name: paths
environment: { LOCK: a }
steps:
  - run: 'echo "$LOCK" >lock; mkdir -p kept; echo own >kept/own'
  - run: 'ls kept; [ -e kept/made ] || { echo making; echo made >kept/made; }'
    cache: { paths: kept, key: { files: lock, prefix: deps }, restore_keys: deps- }
`);
    const first = await runAgain(pipeline);
    expect(first).toMatch(/cache kept: miss: there is no deps-[0-9a-f]{32}/);
    expect(first).toMatch(/cache kept: saved as deps-/);
    const second = await runAgain(pipeline);
    expect(second).toMatch(/cache kept: hit: deps-/);
    expect(second).not.toMatch(/^making$/m);
    expect(second).not.toContain('saved as');
    const other = await runAgain(pipeline, { LOCK: 'b' });
    expect(other).toMatch(/cache kept: no deps-[0-9a-f]{32}; restored deps-/);
    expect(other).not.toMatch(/^making$/m);
    expect(other).toMatch(/saved as deps-/);
    const path = `/api/caches?pipeline_id=${pipeline}`;
    const { items } = await server.call<{ items: CacheBody[] }>('GET', path);
    expect(items.map(({ scope }) => scope)).toEqual(['trusted', 'trusted']);
    for (const { id } of items) {
      expect((await server.fetch('DELETE', `/api/caches/${id}`)).status).toBe(204);
    }
    expect((await server.call<{ items: CacheBody[] }>('GET', path)).items).toEqual([]);
    expect(await runAgain(pipeline)).toContain('cache kept: miss');
  });

  it('are neither restored nor saved where nothing fits the files of the key, nor after a failure', async () => {
    const pipeline = await server.createPipeline(`name: none
steps:
  - { run: 'echo x >f', cache: { paths: f, key: { files: nothing.lock } } }
  - { run: 'echo x >g; exit 1', cache: { paths: g, key: g }, continue_on_error: true }
`);
    const log = await runAgain(pipeline);
    expect(log).toContain('cache f: neither restored nor saved: no file fits nothing.lock');
    expect(log).not.toContain('saved as');
  });

  it('of a tool are one word: its own folder by its own variables', async () => {
    const pipeline = await server.createPipeline(`name: tool
steps:
  - run: 'echo {} >package-lock.json'
  - run: 'mkdir -p "$npm_config_cache/_cacache"; ls "$npm_config_cache/_cacache"; echo new >"$npm_config_cache/_cacache/x"; echo log >"$npm_config_cache/_logs"'
    cache: npm
`);
    expect(await runAgain(pipeline)).toMatch(/cache npm: saved as npm-linux-/);
    const second = await runAgain(pipeline);
    expect(second).toMatch(/cache npm: hit: npm-linux-/);
    expect(second).toMatch(/^x$/m);
  });
});

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };

describeWith(PROGRAMS, { root: true }, 'caches of steps in containers', () => {
  let started: ContainerServer;
  let server: MillraceServer;

  beforeAll(async () => {
    started = await ContainerServer.start();
    ({ server } = started);
  });
  afterAll(() => started.stop());

  const runOnce = async (pipeline: string, environment = {}): Promise<string> => {
    const ended = await server.finished(await server.trigger(pipeline, { environment }));
    const log = await server.logText(ended.id);
    expect([ended.status, log]).toEqual(['success', log]);
    return log;
  };

  it('are found by any user of an image', async () => {
    const pipeline = await server.createPipeline(`name: c
defaults: { image: '${STEP_IMAGE}', network: none }
steps:
  - 'echo "a 1" >go.sum'
  - { user: app, run: 'mkdir -p "$GOMODCACHE/m"; ls "$GOMODCACHE/m"; echo x >>"$GOMODCACHE/m/mod"; id -u', cache: go }
`);
    expect(await runOnce(pipeline)).toMatch(/cache go: saved as go-linux-/);
    const log = await runOnce(pipeline);
    expect(log).toMatch(/cache go: hit: go-linux-/);
    expect(log).toMatch(/^mod$/m);
  });

  it('that root has saved may be changed by another user', async () => {
    const pipeline = await server.createPipeline(`name: users
defaults: { image: '${STEP_IMAGE}', network: none }
steps:
  - 'echo "a 1" >go.sum'
  - run: 'umask 077; mkdir -p "$GOMODCACHE/m"; echo x >"$GOMODCACHE/m/mod"'
    when: env.WHO == 'root'
    cache: go
  - { user: app, when: env.WHO == 'app', cache: go, run: 'set -e; echo x >>"$GOMODCACHE/m/mod"; echo x >"$GOMODCACHE/m/new"' }
`);
    expect(await runOnce(pipeline, { WHO: 'root' })).toMatch(/cache go: saved as/);
    expect(await runOnce(pipeline, { WHO: 'app' })).toMatch(/cache go: hit/);
  });

  it('of one execution are changed by steps of several users, one after another', async () => {
    const change = (name: string) =>
      `set -e; umask 077; mkdir -p "$GOMODCACHE/m"; cat "$GOMODCACHE"/m/* || true; echo ${name} >>"$GOMODCACHE/m/mod"; echo x >"$GOMODCACHE/m/${name}"`;
    const pipeline = await server.createPipeline(`name: several
defaults: { image: '${STEP_IMAGE}', network: none }
steps:
  - 'echo "a 1" >go.sum'
  - { run: '${change('root')}', cache: go }
  - { user: app, run: '${change('app')}', cache: go }
  - { image: none, run: '${change('shell')}', cache: go }
  - { user: '4321:4321', run: '${change('other')}', cache: go }
  - { image: none, run: 'cat "$GOMODCACHE/m/mod"', cache: go }
`);
    const log = await runOnce(pipeline);
    expect(log).toMatch(/cache go: as a step before has left it/);
    expect(log).toMatch(/^root\napp\nshell\nother$/m);
  });
});
