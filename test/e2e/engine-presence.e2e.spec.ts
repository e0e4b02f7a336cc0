import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandLine } from '../support/command-line.js';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../support/step-image.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
/** A worker looks every 10 s, a quarter more or less; machines of tests have much else to do. */
const SEEN_MS = 60_000;

interface WorkerBody {
  readonly labels: readonly string[];
  readonly containers: { readonly engine: string | null; readonly reason: string | null };
}

const pipeline = (name: string, run: string, keys = ''): string => `name: ${name}
steps:
  - { name: only, image: '${STEP_IMAGE}', pull: never, network: none, run: '${run}'${keys} }
`;

describeWith(PROGRAMS, { root: true }, 'the container engine of a worker', () => {
  let engine: DockerEngine;
  let server: MillraceServer;
  let folder: string;
  let commands: CommandLine;

  beforeAll(async () => {
    engine = await DockerEngine.start();
    await makeStepImage(engine);
    await engine.end();
    server = await MillraceServer.start({ environment: { DOCKER_HOST: engine.host } });
    folder = mkdtempSync(join(tmpdir(), 'mr-presence-'));
    // The steps in the shell are another user.
    chmodSync(folder, 0o755);
    const { baseUrl: MILLRACE_URL, token: MILLRACE_TOKEN } = server;
    commands = new CommandLine(folder, { MILLRACE_URL, MILLRACE_TOKEN });
  });
  afterAll(async () => {
    await server.stop();
    await engine.stop();
    rmSync(folder, { recursive: true });
  });

  const worker = async (): Promise<WorkerBody> => {
    const [found] = await server.call<WorkerBody[]>('GET', '/api/workers');
    if (!found) throw new Error('there is no worker');
    return found;
  };
  const untilOffered = (isOffered: boolean): Promise<WorkerBody> =>
    eventually(async () => {
      const found = await worker();
      return found.labels.includes('containers') === isOffered ? found : undefined;
    }, SEEN_MS);
  const begin = async (yaml: string): Promise<string> =>
    server.trigger(await server.createPipeline(yaml));
  /** By the answers of the API and of the command line. */
  const expectToWait = async (id: string): Promise<void> => {
    type Waiting = ExecutionBody & { readonly waits_for: { readonly code: string } | null };
    const waiting = (await server.execution(id)) as Waiting;
    expect([waiting.status, waiting.waits_for?.code]).toEqual(['pending', 'no_worker']);
    const explained = await server.call('GET', `/api/ci/executions/${id}/explain`);
    expect(explained).toMatchObject({ status: 'pending', reason: { code: 'no_worker' } });
    const { stdout } = await commands.run(['status', id]);
    expect(stdout).toContain('pending, No running worker has a container engine');
  };

  it('is found when it comes, missed when it goes, and found again: nothing is lost', async () => {
    const absent = await worker();
    expect(absent.labels).not.toContain('containers');
    expect(absent.containers.reason).toContain('does not answer');
    // Of the shell: it is under way all the time.
    const shell = await begin(
      `name: shell\nsteps: [{ name: s, run: 'until [ -e ${folder}/go ]; do sleep 0.2; done' }]\n`,
    );
    await server.until(shell, ({ status }) => status === 'running');
    const first = await begin(pipeline('first', 'echo one'));
    await expectToWait(first);
    const followed = await begin(pipeline('followed', 'echo two'));
    const follower = commands.start(['logs', '-f', followed]);

    await engine.begin();
    const there = await untilOffered(true);
    expect(there.containers).toMatchObject({
      engine: expect.stringMatching(/^docker \d/) as unknown,
      reason: null,
    });
    expect((await server.finished(first, SEEN_MS)).status).toBe('success');
    expect((await follower.ended).code).toBe(0);

    const lost = await begin(pipeline('lost', 'echo up; sleep 600'));
    await eventually(async () => (await server.logText(lost)).includes('up') || undefined);
    await engine.end();
    const ended = await server.finished(lost, SEEN_MS);
    expect(ended).toMatchObject({ status: 'failed' });
    expect(ended.stages[0]?.steps[0]?.reason?.code).toBe('container_lost');
    const gone = await untilOffered(false);
    expect(gone.containers.reason).toContain('does not answer');
    const second = await begin(pipeline('second', 'echo three'));
    await expectToWait(second);
    const trigger = commands.start(['trigger', 'second']);
    await eventually(
      () => trigger.stderr().includes('No running worker has a container engine') || undefined,
    );

    await engine.begin();
    expect((await server.finished(second, SEEN_MS)).status).toBe('success');
    expect((await trigger.ended).code).toBe(0);
    expect((await server.execution(shell)).status).toBe('running');
    writeFileSync(join(folder, 'go'), '');
    expect((await server.finished(shell)).status).toBe('success');
  });

  it('takes no execution with it that is given to the worker before that knows', async () => {
    await untilOffered(true);
    await engine.end();
    const id = await begin(pipeline('quick', 'echo four'));
    await untilOffered(false);
    const { attempt } = await server.execution(id);
    expect(attempt).toBe(0);
    await engine.begin();
    expect(await server.finished(id, SEEN_MS)).toMatchObject({ status: 'success', attempt: 1 });
  });
});
