import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { ImageRegistry } from '../support/image-registry.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../support/step-image.js';
import { stopAll } from '../support/stop-all.js';

const PROGRAMS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  busybox: 'busybox-static',
  'docker-registry': 'docker-registry',
};
/** Repository of the marks by which uses are noted. */
const MARKS = 'millrace.invalid/pulled';
const THREE_HOURS_MIN = 180;

/** Images that steps ran in, on a real Docker Engine with less room than they take. */
describeWith(PROGRAMS, { root: true }, 'images that nobody uses any more', () => {
  let engine: DockerEngine;
  let registry: ImageRegistry;
  let server: MillraceServer;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mr-images-'));
    chmodSync(folder, 0o755);
    [engine, registry] = await Promise.all([DockerEngine.start(), ImageRegistry.start()]);
    await makeStepImage(engine);
    for (const name of ['one:1', 'two:1']) {
      await makeStepImage(engine, ref(name), [`LABEL name=${name}`]);
      await engine.docker('push', ref(name));
      await engine.docker('rmi', ref(name));
    }
    const environment = { DOCKER_HOST: engine.host, MAX_IMAGES_SIZE: '1MiB' };
    server = await MillraceServer.start({ environment });
  });
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => engine.stop(),
      () => registry.stop(),
      () => rmSync(folder, { recursive: true }),
    );
  });

  const ref = (name: string): string => `${registry.host}/${name}`;
  const names = async (): Promise<readonly string[]> =>
    (await engine.docker('images', '--format', '{{.Repository}}:{{.Tag}}'))
      .split('\n')
      .filter((name) => !name.startsWith('millrace'))
      .sort();
  /** As if all uses had been three hours earlier. */
  const age = async (): Promise<void> => {
    const tags = await engine.docker('images', '--format', '{{.Tag}}', MARKS);
    for (const tag of tags.split('\n')) {
      const [installation = '', reference = '', id = '', minutes = ''] = tag.split('.');
      const before = (parseInt(minutes, 36) - THREE_HOURS_MIN).toString(36);
      const older = [installation, reference, id, before].join('.');
      await engine.docker('tag', `${MARKS}:${tag}`, `${MARKS}:${older}`);
      await engine.docker('rmi', `${MARKS}:${tag}`);
    }
  };
  const step = (image: string, run: string): string =>
    `  - { image: '${image}', network: none, run: '${run}' }`;
  const pipeline = (...steps: readonly string[]): string =>
    ['name: i', 'steps:', ...steps, ''].join('\n');

  it('are removed when a worker looks, but not what a run has found, nor what was there', async () => {
    const first = await server.run(pipeline(step(ref('one:1'), 'true'), step(STEP_IMAGE, 'true')));
    expect(first.status).toBe('success');
    const gate = join(folder, 'gate');
    const second = await server.trigger(
      await server.createPipeline(
        pipeline(
          step(ref('two:1'), 'true'),
          `  - { image: none, run: 'until [ -e ${gate} ]; do sleep 0.1; done' }`,
          step(ref('two:1'), 'echo again'),
        ),
      ),
    );
    await server.until(second, ({ stages }) => stages[0]?.steps[1]?.status === 'running');
    expect(await names()).toEqual([ref('one:1'), ref('two:1'), STEP_IMAGE].sort());
    await age();
    // The use of the run that continues is noted again, as its worker does from time to time.
    const other = await server.run(pipeline(step(ref('two:1'), 'true')));
    expect(other.status).toBe('success');

    const worker = await server.startWorker();
    const said = await eventually(() => /"msg":"image removed: [^"]*"/.exec(worker.output())?.[0]);
    expect(said).toBe(`"msg":"image removed: ${ref('one:1')}"`);
    expect(worker.output()).toMatch(/"why":"images take \d+ of 1048576 bytes"/);
    expect(await names()).toEqual([ref('two:1'), STEP_IMAGE].sort());

    writeFileSync(gate, '');
    expect((await server.finished(second)).status).toBe('success');
    expect((await server.run(pipeline(step(ref('one:1'), 'true')))).status).toBe('success');
  });
});
