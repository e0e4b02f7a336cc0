import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isStopped } from '../../src/common/child-process/process-stat.js';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../support/step-image.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';
import { stopAll } from '../support/stop-all.js';

jest.setTimeout(300_000);

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
/** I4, for containers. */
const LEFT_MS = 15_000;
const END_MS = 120_000;

/** A first attempt that lasts, and a second one that ends. */
const lasting = (keys: string): string => `name: c
retry_count: 1
defaults: { image: '${STEP_IMAGE}' }
steps:
  - name: only
    run: 'echo "up $CI_ATTEMPT"; mkdir -p d; : >d/f; chmod 0 d; [ "$CI_ATTEMPT" != 1.1 ] || sleep 600'
    ${keys}
`;

interface ArtifactBody {
  readonly path: string;
  readonly execution_attempt: number;
}

/** What a step has around it: a sidecar, a cache, artifacts. */
const whole = (label: string): string => `name: ${label}
runs_on: [${label}]
retry_count: 1
defaults: { image: '${STEP_IMAGE}' }
sidecars:
  db: { image: '${STEP_IMAGE}', command: [sleep, '600'] }
steps:
  - name: only
    run: 'mkdir -p kept; echo "$CI_ATTEMPT" >kept/f'
    cache: { paths: kept, key: k }
    artifacts: kept
`;
const POINTS = [
  'image_found',
  'network_made',
  'container_made',
  'sidecar_started',
  'container_started',
  'step_ended',
  'artifacts_stored',
  'cache_stored',
];

interface StoppedAt {
  readonly id: string;
  readonly label: string;
  readonly worker: Awaited<ReturnType<MillraceServer['startWorker']>>;
}

/** The launcher is one of them. */
async function killChildren(pid: number): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const child of children.trim().split(' ').filter(Boolean).map(Number)) {
    process.kill(child, 'SIGKILL');
  }
}

describeWith(PROGRAMS, { root: true }, 'a step in a container, when', () => {
  let engine: DockerEngine;
  let server: MillraceServer;
  const jitter = new Jitter('containers');

  beforeAll(async () => {
    engine = await DockerEngine.start();
    await makeStepImage(engine);
    server = await MillraceServer.start({
      workers: 0,
      environment: { DOCKER_HOST: engine.host },
    });
  });
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => engine.stop(),
    );
  });

  const begin = async (keys = ''): Promise<string> =>
    server.trigger(await server.createPipeline(lasting(keys)));
  const untilUp = async (id: string): Promise<void> => {
    await eventually(
      async () => (await server.logText(id)).includes('up 1.1') || undefined,
      60_000,
    );
    await jitter.before(500);
  };
  const untilNothingIsLeft = async (): Promise<void> => {
    await eventually(async () => (await engine.leftovers()) === '' || undefined, LEFT_MS);
    await eventually(
      async () => (await readdir(join(server.home, 'w'))).length === 0 || undefined,
      LEFT_MS,
    );
  };
  const untilOver = async (id: string): Promise<ExecutionBody> => {
    const ended = await server.finished(id, END_MS);
    await untilNothingIsLeft();
    return ended;
  };
  afterEach(async () => {
    await Promise.all(server.workers.map((worker) => worker.end()));
  });

  it('its worker is killed, at each point', async () => {
    const pipelines = new Map<string, string>();
    for (const point of POINTS) pipelines.set(point, await server.createPipeline(whole(point)));
    await Promise.all(
      POINTS.map(async (point) => {
        // Each has workers of its own.
        const own = { WORKER_LABELS: point };
        const doomed = await server.startWorker(own, { FAIL_POINT: point });
        const id = await server.trigger(pipelines.get(point) ?? '');
        await eventually(() => doomed.isOver() || undefined, END_MS);
        await server.startWorker(own);
        const { status, attempt, stages } = await server.finished(id, END_MS);
        expect([point, status, attempt]).toEqual([point, 'success', 2]);
        // What the first attempt had begun to keep is nobody's.
        const path = `/api/ci/executions/${id}/artifacts`;
        const { items } = await server.call<{ items: ArtifactBody[] }>('GET', path);
        expect(items.map(({ path: name, execution_attempt: of }) => [name, of])).toEqual([
          ['kept/f', 2],
        ]);
        // A cache without a record is none; one that was saved before is found.
        const [cache] = stages[0]?.steps[0]?.attempts[0]?.caches ?? [];
        const isSaved = point === 'artifacts_stored';
        expect(cache?.restored.code).toBe(isSaved ? 'cache_hit' : 'cache_miss');
        expect(cache?.saved?.code).toBe(isSaved ? undefined : 'cache_saved');
      }),
    );
    await untilNothingIsLeft();
  });

  it('its worker and the launcher are killed', async () => {
    const doomed = await server.startWorker();
    const id = await begin();
    await untilUp(id);
    const { pid: worker } = doomed;
    const children = await readFile(`/proc/${worker}/task/${worker}/children`, 'utf8');
    await doomed.end('SIGKILL');
    for (const pid of children.trim().split(' ').map(Number)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await server.startWorker();
    expect(await untilOver(id)).toMatchObject({ status: 'success', attempt: 2 });
  });

  /** Each point in a worker of its own, which stops there; all run before the first does. */
  const stopAtEachPoint = async (what: string): Promise<StoppedAt[]> => {
    const all = await Promise.all(
      POINTS.map(async (point) => {
        const label = `${what}-${point}`;
        const stops = { FAIL_POINT: `${point}:SIGSTOP` };
        const worker = await server.startWorker({ WORKER_LABELS: label }, stops);
        return { worker, pipeline: await server.createPipeline(whole(label)), label };
      }),
    );
    return Promise.all(
      all.map(async ({ worker, pipeline, label }) => {
        const id = await server.trigger(pipeline);
        await eventually(() => isStopped(worker.pid) || undefined, END_MS);
        return { id, worker, label };
      }),
    );
  };

  it('its worker and the launcher are killed, at each point', async () => {
    await Promise.all(
      (await stopAtEachPoint('launcher')).map(async ({ id, worker, label }) => {
        await killChildren(worker.pid);
        await worker.end('SIGKILL');
        await server.startWorker({ WORKER_LABELS: label });
        const { status, attempt, reason } = await server.finished(id, END_MS);
        const why = status === 'success' ? [] : [reason];
        expect([label, status, attempt, ...why]).toEqual([label, 'success', 2]);
      }),
    );
    await untilNothingIsLeft();
  });

  it('the engine is killed, at each point', async () => {
    const all = await stopAtEachPoint('engine');
    await engine.kill();
    for (const { worker } of all) worker.child.kill('SIGCONT');
    // On a slow machine one that was stopped first may have lost its lease before the last was.
    await server.startWorker({ WORKER_LABELS: all.map(({ label }) => label).join(',') });
    await jitter.before(3_000);
    await engine.begin();
    const ended = await Promise.all(all.map(({ id }) => server.finished(id, END_MS)));
    // What had ended by then is a success; the others say that it was the engine.
    for (const { status, stages } of ended) {
      const code = stages[0]?.steps[0]?.reason?.code;
      if (status === 'success') continue;
      expect([status, code]).toEqual([
        'failed',
        expect.stringMatching(/^(engine_away|container_lost)$/),
      ]);
    }
    await untilNothingIsLeft();
  });

  it('its worker stands still for longer than its lease', async () => {
    const asleep = await server.startWorker();
    const id = await begin();
    await untilUp(id);
    asleep.child.kill('SIGSTOP');
    // The launcher ends what the worker cannot look after any more.
    await eventually(
      async () => (await engine.docker('ps', '--quiet')) === '' || undefined,
      30_000,
    );
    await server.startWorker();
    const ended = await server.finished(id, END_MS);
    expect(ended).toMatchObject({ status: 'success', attempt: 2 });
    asleep.child.kill('SIGCONT');
    await untilNothingIsLeft();
  });

  it('the engine is killed, and is back later', async () => {
    await server.startWorker();
    const id = await begin('retry: { max: 5, backoff: { initial: 2s, factor: 1 } }');
    await untilUp(id);
    await engine.kill();
    await jitter.before(3_000);
    await engine.begin();
    const ended = await untilOver(id);
    expect(ended.status).toBe('success');
    expect(ended.stages[0]?.steps[0]?.attempts[0]).toMatchObject({ status: 'failed' });
    expect(await server.logText(id)).toContain('The container engine went away');
  });

  it('keeps the invariants through all of that', async () => {
    await server.startWorker();
    await expectInvariants({ server });
  });
});
