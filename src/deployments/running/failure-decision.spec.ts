import type { OnFailure } from '../../engine/steps/deploy/deploy-action.js';
import {
  type FailureRecord,
  failureRecordId,
} from '../../service-registry/failures/failure-record.js';
import { decideOnFailure, type FailedService } from './failure-decision.js';

const MINUTE = 60_000;
const NOW = 100 * MINUTE;
const POLICY: OnFailure = {
  ...{ actions: ['restart', 'rollback'], max: 2, windowMs: 30 * MINUTE, backoffMs: 10_000 },
};

/** @param ago when it was, ms before now */
function done(ago: number, more: Partial<FailureRecord> = {}): FailureRecord {
  const { seq = 7, attempt = 1 } = more;
  return {
    ...{
      _id: failureRecordId('default/shop', seq, attempt),
      service: 'default/shop',
      seq,
      attempt,
    },
    ...{ action: 'restart', release: 2, reason: { code: 'c', message: 'm' } },
    ...{ deployment_id: 'd', state: 'begun', at: new Date(NOW - ago), ...more },
  };
}

function decided(
  records: readonly FailureRecord[],
  more: Partial<Omit<FailedService, 'policy'>> & { readonly policy?: Partial<OnFailure> } = {},
): string {
  const { policy, ...rest } = more;
  const failed: FailedService = {
    ...{ release: 2, failure: { seq: 7, reason: { code: 'endpoints_failed', message: 'all' } } },
    ...{ records, isSeen: true, back: 'possible', policy: { ...POLICY, ...policy }, ...rest },
  };
  const decision = decideOnFailure(failed, NOW);
  if (decision.kind === 'wait') return 'wait';
  return `${decision.kind === 'act' ? decision.action : 'leave'}: ${decision.reason.message}`;
}

describe('what is done of a service that failed', () => {
  it('is a restart at first, at once, with its number and why', () => {
    expect(decided([])).toBe(
      'restart: the checks say that release 2 has failed: all; restart 1 of 2 within 30 min',
    );
  });

  it('waits for the backoff, which doubles with each action', () => {
    expect(decided([done(9_999)])).toBe('wait');
    expect(decided([done(10_000)])).toContain('restart 2 of 2');
    expect(decided([done(19_999), done(60_000)])).toBe('wait');
    expect(decided([done(20_000), done(60_000)])).toMatch(/^rollback: /);
  });

  it('never waits longer than ten minutes', () => {
    const policy = { max: 100, backoffMs: 300_000 };
    const many = Array.from({ length: 9 }, (_, index) => done(10 * MINUTE + index));
    expect(decided(many, { policy })).toContain('restart 10 of 100');
    expect(decided([done(10 * MINUTE - 1), ...many], { policy })).toBe('wait');
  });

  it('counts the restarts of earlier failures, until they leave the window', () => {
    const earlier = [done(60_000, { seq: 5 }), done(120_000, { seq: 3 })];
    expect(decided(earlier)).toMatch(/^rollback: /);
    expect(decided([done(60_000, { seq: 5 }), done(30 * MINUTE, { seq: 3 })])).toContain(
      'restart 2 of 2',
    );
  });

  it('does not count what was dropped before it was asked for', () => {
    expect(decided([done(60_000, { state: 'dropped' })])).toContain('restart 1 of 2');
  });

  it('waits for what is decided, and while the checks have not seen the last deployment', () => {
    expect(decided([done(60_000, { state: 'decided' })])).toBe('wait');
    expect(decided([], { isSeen: false })).toBe('wait');
    expect(decided([], { isSeen: true })).toMatch(/^restart: /);
  });

  const used = [done(60_000), done(120_000)];

  it('goes back once when its restarts are used up, then leaves it', () => {
    expect(decided(used)).toBe(
      'rollback: the checks say that release 2 has failed: all; the release before serves again',
    );
    expect(decided([done(60_000, { action: 'rollback' }), ...used])).toBe(
      'leave: release 2 stays failed, and nothing more is done by itself: restarted 2 times within 30 min; it could not go back',
    );
  });

  it('leaves it where there is nothing to go back to, or it has gone back already', () => {
    expect(decided(used, { back: 'none' })).toContain('there is no release to go back to');
    expect(decided(used, { back: 'been' })).toContain('it has gone back already');
    expect(decided(used, { policy: { actions: ['restart'] } })).toMatch(
      /^leave: .* within 30 min$/,
    );
  });

  it('waits where it is not known yet whether it can go back, and only for that', () => {
    expect(decided(used, { back: 'unsettled' })).toBe('wait');
    expect(decided([], { back: 'unsettled' })).toMatch(/^restart: /);
    expect(decided(used, { back: 'unsettled', policy: { actions: ['restart'] } })).toMatch(
      /^leave: /,
    );
  });

  it('pauses for what was dropped, which uses up no restart', () => {
    const dropped = (ago: number) => done(ago, { state: 'dropped' });
    expect(decided([dropped(9_999)])).toBe('wait');
    expect(decided([dropped(19_999), dropped(60_000)])).toBe('wait');
    expect(decided([dropped(20_000), dropped(60_000)])).toContain('restart 1 of 2');
  });

  it('goes back at once where it restarts nothing', () => {
    expect(decided([], { policy: { actions: ['rollback'] } })).toMatch(/^rollback: /);
  });

  it('does nothing more of what it has left, whatever time passes, but of another release', () => {
    const left = done(20 * 60 * MINUTE, { action: 'none', state: 'left', deployment_id: null });
    expect(decided([left])).toBe('wait');
    expect(decided([left], { release: 3 })).toMatch(/^restart: /);
  });

  it('does nothing where alerts are enough', () => {
    expect(decided([], { policy: { actions: [] } })).toBe('wait');
  });
});
