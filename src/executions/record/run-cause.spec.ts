import { runCauseOf } from './run-cause.js';
import type { AskedTrigger, EventInfo, TriggerInfo } from './execution.schema.js';

const USER = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const OTHER = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4c';
const event = (more: Partial<EventInfo> = {}): EventInfo => ({
  ...{ repository_id: 'r', repository: 'a/b', default_branch: 'main', fork: false, ...more },
});
const causeOf = (info: Partial<TriggerInfo>, asked?: AskedTrigger): ReturnType<typeof runCauseOf> =>
  runCauseOf({
    trigger_info: { trigger_type: 'manual', triggered_by: USER, timestamp: new Date(0), ...info },
    ...(asked && { asked }),
    plan_hash: 'h',
  });

describe('runCauseOf', () => {
  it.each([USER, 'token', 'anonymous'])('knows who asked by hand: %s', (id) => {
    expect(causeOf({ triggered_by: id }, {})).toMatchObject({
      asker: id,
      accounts: [id],
      names: [],
    });
  });

  it('takes no name of the forge for an account, whatever it looks like', () => {
    const push = { trigger_type: 'push', event: event({ author: 'Ada L.' }) };
    for (const triggered_by of ['token', USER]) {
      const cause = causeOf({ ...push, triggered_by });
      expect(cause).toMatchObject({ accounts: [], names: [triggered_by, 'Ada L.'] });
      expect(cause.asker).toBeUndefined();
    }
    const known = { ...push, event: event({ actor_user_id: USER }), triggered_by: 'ada' };
    expect(causeOf(known)).toMatchObject({ asker: USER, accounts: [USER], names: ['ada'] });
  });

  it('of a re-run the one who asked for it is the asker, and the first one has caused it too', () => {
    expect(causeOf({ rerun_by: OTHER }, {})).toMatchObject({
      ...{ asker: OTHER, accounts: [OTHER, USER] },
    });
  });

  it('nobody is the asker of a schedule', () => {
    const cause = causeOf({ trigger_type: 'schedule', triggered_by: 'schedule' });
    expect([cause.asker, cause.accounts]).toEqual([undefined, []]);
  });

  it.each<[Partial<TriggerInfo>, AskedTrigger | undefined, boolean]>([
    [{ branch: 'main' }, { branch: 'main' }, true],
    [{ branch: 'main', commit_hash: 'c' }, { branch: 'main', commit_hash: 'c' }, false],
    [{ branch: 'main', repository: 'https://x' }, { branch: 'main' }, false],
    [{ branch: 'main' }, undefined, false],
    [{ tag: 'v1' }, { tag: 'v1' }, false],
    [{ trigger_type: 'schedule', triggered_by: 'schedule' }, undefined, true],
    [{ trigger_type: 'push', event: event() }, undefined, true],
    [{ trigger_type: 'push', event: event({ fork: true }) }, undefined, false],
    [{ trigger_type: 'tag', tag: 'v1', event: event() }, undefined, false],
    [{ trigger_type: 'pull_request', event: event() }, undefined, false],
    [{ trigger_type: 'pull_request' }, { branch: 'main' }, false],
  ])('%j asked %j is of a branch: %s', (info, asked, isOfBranch) => {
    expect(causeOf(info, asked).isOfBranch).toBe(isOfBranch);
  });
});
