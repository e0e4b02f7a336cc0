import type { RepositoryPlan } from '../plan/plan.js';
import {
  BROKEN,
  EXIT_1,
  OK,
  context,
  finished,
  inOrder,
  sequential,
  settled,
  start,
  statuses,
  step,
} from './run-plan.fixture.js';

const repository: RepositoryPlan = {
  url: 'https://example.org/x.git',
  branch: 'main',
  depth: 5,
  tags: true,
  submodules: 'recursive',
  lfs: false,
};
const of = inOrder([sequential('a', [step('x')]), sequential('b', [step('y')])], {
  repository,
  always: [step('h')],
});
const commit = { sha: 'abc123', message: 'has s3cret', author: 'ada' };

describe('checkout', () => {
  it('comes before everything else, and tells its commit', async () => {
    const bench = start(of, { git: () => undefined });
    await settled();
    expect(bench.git.calls[0]?.attempt).toMatchObject({
      address: { stage: '', step: 'checkout', attempt: 1 },
      action: { kind: 'git', repository },
      environment: { CI: 'true', CI_BRANCH: 'main' },
    });
    expect(bench.keys()).toEqual([]);
    expect(bench.last().stages[0]).toMatchObject({
      status: 'waiting',
      reason: { code: 'checkout' },
    });
    bench.call('/checkout#1').end({ kind: 'success', commit });
    const { state } = await bench.result;
    expect(state).toMatchObject({
      status: 'success',
      checkout: { status: 'success' },
      commit: { sha: 'abc123', message: 'has ***', author: 'ada' },
    });
    expect(bench.shell.calls[0]?.attempt.environment).toMatchObject({
      CI_BRANCH: 'main',
      CI_COMMIT: 'abc123',
      CI_REPOSITORY_URL: 'https://example.org/x.git',
    });
  });

  it('is not there without a repository', async () => {
    const { state, git } = await finished(inOrder([sequential('a', [step('x')])]));
    expect(git.calls).toHaveLength(0);
    expect(state.checkout).toBeUndefined();
  });

  it('fails the run, skips the stages, runs the hooks', async () => {
    const { state, keys } = await finished(of, { git: () => EXIT_1 });
    expect(keys()).toEqual(['always/h#1']);
    expect(state).toMatchObject({
      status: 'failed',
      reason: { code: 'checkout_failed' },
      checkout: { status: 'failed', attempts: [{ number: 1 }] },
      failure: { stage: '', step: 'checkout', exitCode: 1, lastLines: ['last of checkout#1'] },
    });
    expect(statuses(state)).toEqual({
      a: 'skipped',
      'a/x': 'skipped',
      b: 'skipped',
      'b/y': 'skipped',
    });
    expect(state.stages[1]?.reason?.code).toBe('checkout_failed');
  });

  it('tries twice more when the platform failed it, after 1 s and 2 s', async () => {
    const bench = start(of, { git: () => BROKEN });
    await bench.clock.advance(999);
    expect(bench.git.calls).toHaveLength(1);
    await bench.clock.advance(1);
    expect(bench.git.calls).toHaveLength(2);
    await bench.clock.advance(2000);
    const { state } = await bench.result;
    expect(state.checkout?.attempts).toHaveLength(3);
    expect(state.reason?.code).toBe('checkout_failed');
  });

  it('is bounded by the limit of the execution', async () => {
    const bench = start({ ...of, timeoutMs: 1000 }, { git: () => undefined });
    await bench.clock.advance(1000);
    const { state } = await bench.result;
    expect(state).toMatchObject({
      status: 'timeout',
      checkout: { status: 'timeout' },
      reason: { code: 'timeout' },
    });
    expect(statuses(state)['a']).toBe('skipped');
    expect(state.stages[0]?.reason).toMatchObject({
      code: 'timeout',
      data: { scope: 'execution' },
    });
    expect(state.failure).toMatchObject({ step: 'checkout', reason: { code: 'timeout' } });
  });

  it.each([
    [{ branch: 'dev' }, { branch: 'dev' }],
    [
      { branch: 'dev', commit: 'c1' },
      { branch: 'dev', commit: 'c1' },
    ],
    [{ tag: 'v1' }, { tag: 'v1' }],
    [{ commit: 'c1' }, { branch: 'main', commit: 'c1' }],
    [{}, { branch: 'main', commit: 'planned' }],
  ])('takes %j of the trigger', async (trigger, refs) => {
    const { git } = await finished(
      { ...of, repository: { ...repository, commit: 'planned' } },
      { context: context({ trigger: { event: 'push', ...trigger } }) },
    );
    const { url, depth, tags, submodules, lfs } = repository;
    expect(git.calls[0]?.attempt.action).toEqual({
      kind: 'git',
      repository: { url, depth, tags, submodules, lfs, ...refs },
    });
  });

  describe('tells what was cloned', () => {
    const url = 'https://example.org/x.git';
    const full = { sha: 'c0ffee', message: 'm', author: 'ada' };
    const looking = inOrder(
      [{ ...sequential('release', [step('x')]), when: "trigger.branch == 'main'" }],
      { environment: { SEEN: '${{ trigger.branch }}|${{ trigger.tag }}|${{ trigger.commit }}' } },
    );

    it.each([
      // Nothing is named: the branch that HEAD follows.
      [{}, {}, { branch: 'main' }, 'main||c0ffee'],
      [{}, { commit: 'c0f' }, {}, '||c0ffee'],
      [{}, { tag: 'v1' }, {}, '|v1|c0ffee'],
      [{ branch: 'dev' }, {}, { branch: 'dev' }, 'dev||c0ffee'],
      [{ branch: 'dev' }, { branch: 'main' }, { branch: 'main' }, 'main||c0ffee'],
      [{ tag: 'v2' }, {}, {}, '|v2|c0ffee'],
      // Wherever that commit is, it may be on no branch that the plan names.
      [{ branch: 'main' }, { commit: 'c0f' }, {}, '||c0ffee'],
      [{}, { branch: 'main', commit: 'c0f' }, {}, 'main||c0ffee'],
    ])('plan %j, trigger %j', async (planned, trigger, followed, seen) => {
      const { state, shell, traces } = await finished(
        { ...looking, repository: { url, ...planned } },
        {
          context: context({ trigger: { event: 'manual', ...trigger } }),
          git: () => ({ kind: 'success', commit: full, ...followed }),
        },
      );
      const [branch = '', tag = '', commit] = seen.split('|');
      const isMain = branch === 'main';
      expect(traces).toMatchObject([{ stage: 'release', trace: { result: isMain } }]);
      expect(state.stages[0]?.status).toBe(isMain ? 'success' : 'skipped');
      expect(state.cloned).toEqual({
        commit,
        ...(branch !== '' && { branch }),
        ...(tag !== '' && { tag }),
      });
      if (!isMain) return;
      expect(shell.calls[0]?.attempt.environment).toMatchObject({
        SEEN: seen,
        CI_BRANCH: 'main',
        CI_COMMIT: 'c0ffee',
      });
    });

    it('but without a repository what the trigger said', async () => {
      const { state, shell } = await finished(looking, {
        context: context({ trigger: { event: 'push', branch: 'main', commit: 'c0f' } }),
      });
      expect(shell.calls[0]?.attempt.environment['SEEN']).toBe('main||c0f');
      expect(state.cloned).toBeUndefined();
    });

    it('and stores no name that holds a secret', async () => {
      const { state } = await finished(
        { ...looking, repository: { url } },
        { git: () => ({ kind: 'success', commit: full, branch: 'has-s3cret' }) },
      );
      expect(state.cloned).toEqual({ commit: 'c0ffee' });
    });
  });

  it('clones the repository of the trigger', async () => {
    const { git } = await finished(inOrder([sequential('a', [step('x')])]), {
      context: context({ trigger: { event: 'cli', repository: 'https://example.org/fork.git' } }),
    });
    expect(git.calls[0]?.attempt.action).toEqual({
      kind: 'git',
      repository: { url: 'https://example.org/fork.git' },
    });
  });

  it('tells steps its address without what may be a credential', async () => {
    const repository = 'https://bot:hunter2@example.org/fork.git?token=x';
    const { shell } = await finished(of, {
      context: context({ trigger: { event: 'cli', repository } }),
      git: () => OK,
    });
    expect(shell.calls[0]?.attempt.environment['CI_REPOSITORY_URL']).toBe(
      'https://example.org/fork.git',
    );
  });

  it('tells steps the address of what is there without a clone', async () => {
    const { git, shell } = await finished(
      { ...of, repository: undefined },
      {
        context: context({ repositoryUrl: 'https://example.org/x.git' }),
        git: () => OK,
      },
    );
    expect(git.calls).toEqual([]);
    expect(shell.calls[0]?.attempt.environment['CI_REPOSITORY_URL']).toBe(
      'https://example.org/x.git',
    );
  });

  it('evaluates the texts of the plan', async () => {
    const { git, shell } = await finished(
      {
        ...of,
        environment: { HOST: 'example.org' },
        repository: { url: 'https://${{ env.HOST }}/x.git', branch: '${{ inputs.branch }}' },
      },
      { context: context({ inputs: { branch: 'next' } }), git: () => OK },
    );
    expect(git.calls[0]?.attempt.action).toMatchObject({
      repository: { url: 'https://example.org/x.git', branch: 'next' },
    });
    expect(shell.calls[0]?.attempt.environment).toMatchObject({
      CI_BRANCH: 'next',
      CI_REPOSITORY_URL: 'https://example.org/x.git',
    });
  });
});
