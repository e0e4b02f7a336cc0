import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitFixture, GitHttpServer } from '../support/git-http-server.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';

type Triggered = ExecutionBody & {
  readonly trigger_info: Readonly<Record<string, string>>;
  readonly rerun_of: string | null;
};

/** What was cloned, as everybody sees it: expressions, variables, the API, lists, re-runs. */
describe('what was cloned', () => {
  let server: MillraceServer;
  let repositories: GitHttpServer;
  let root: string;
  let sha: string;

  const yaml = (repository: string): string => `name: shop
repository: ${repository}
stages:
  - name: release
    when: trigger.branch == 'trunk' && trigger.event == 'cli'
    steps:
      - name: say
        run: echo "$CI_BRANCH \${{ trigger.commit }} [\${{ trigger.rerun_of }}] [$CI_RERUN_OF]"
`;
  const finished = async (id: string): Promise<Triggered> =>
    (await server.finished(id)) as Triggered;
  const idsOf = async (query: string): Promise<string[]> => {
    const path = `/api/ci/executions?${query}`;
    return (await server.call<{ id: string }[]>('GET', path)).map(({ id }) => id);
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-checkout-'));
    const repository = await GitFixture.create('trunk');
    sha = await repository.commit('one');
    await repository.git('tag', 'v1');
    await repository.publish(root, 'shop');
    repository.remove();
    repositories = await GitHttpServer.start(root);
    server = await MillraceServer.start();
  });

  afterAll(async () => {
    await server.stop();
    await repositories.stop();
    await rm(root, { recursive: true, force: true });
  });

  it('with nothing named is the default branch, and a re-run keeps the event', async () => {
    const pipeline = await server.createPipeline(yaml(repositories.url('shop')));
    const id = await server.trigger(pipeline, { trigger_type: 'cli' });
    const first = await finished(id);
    expect(first).toMatchObject({
      status: 'success',
      logs: expect.arrayContaining([`trunk ${sha} [] []`]),
      trigger_info: { trigger_type: 'cli', branch: 'trunk', commit_hash: sha },
    });
    expect(first.trigger_info).not.toHaveProperty('rerun_of');
    expect(await idsOf('branch=trunk')).toEqual([id]);
    expect(await idsOf(`branch=trunk&status=success&pipeline_id=${pipeline}`)).toEqual([id]);

    const path = `/api/ci/executions/${id}/rerun`;
    const again = await server.call<{ execution_id: string }>('POST', path, {});
    const second = await finished(again.execution_id);
    expect(second).toMatchObject({
      status: 'success',
      rerun_of: id,
      logs: expect.arrayContaining([`trunk ${sha} [${id}] [${id}]`]),
      trigger_info: {
        trigger_type: 'cli',
        triggered_by: first.trigger_info['triggered_by'],
        branch: 'trunk',
        commit_hash: sha,
        rerun_of: id,
        rerun_by: first.trigger_info['triggered_by'],
      },
    });
    expect(await idsOf('branch=trunk')).toEqual([second.id, id]);
  });

  it.each([
    ['tag', { tag: 'v1' }],
    ['commit', { commit_hash: true }],
  ])('with a %s named is no branch', async (_what, named) => {
    const url = repositories.url('shop');
    const pipeline = await server.createPipeline(yaml(`{ url: "${url}", branch: trunk }`));
    const body = 'tag' in named ? named : { commit_hash: sha.slice(0, 8) };
    const execution = await finished(await server.trigger(pipeline, body));
    expect(execution.stages).toMatchObject([{ status: 'skipped', reason: { code: 'when_false' } }]);
    expect(execution.trigger_info['commit_hash']).toBe(sha);
    expect(execution.trigger_info).not.toHaveProperty('branch');
    expect(await idsOf(`branch=trunk&pipeline_id=${pipeline}`)).toEqual([]);
  });

  it('is told while the execution still runs', async () => {
    const pipeline = await server.createPipeline(
      `name: slow\nrepository: ${repositories.url('shop')}\nsteps: [sleep 30]\n`,
    );
    const id = await server.trigger(pipeline);
    const running = (await server.until(
      id,
      ({ stages }) => stages[0]?.steps[0]?.status === 'running',
    )) as Triggered;
    expect(running.trigger_info).toMatchObject({ trigger_type: 'manual', branch: 'trunk' });
    expect(Number.isNaN(Date.parse(running.trigger_info['timestamp'] ?? ''))).toBe(false);
    await server.call('POST', `/api/ci/executions/${id}/cancel`, {});
    await server.finished(id);
    expect(await idsOf(`branch=trunk&pipeline_id=${pipeline}`)).toEqual([id]);
  });
});
