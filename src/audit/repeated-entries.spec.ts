import { SYSTEM_ACTOR, UNKNOWN_ACTOR, type AuditEntry } from '../common/audit/audit.js';
import { RepeatedEntries } from './repeated-entries.js';

const entry = (actor = UNKNOWN_ACTOR): AuditEntry => ({
  action: 'requests.call',
  outcome: 'refused',
  reason: 'bad_token',
  actor,
  details: { route: 'GET /' },
});

describe('RepeatedEntries', () => {
  let told: AuditEntry[];
  let repeated: RepeatedEntries;

  beforeEach(() => {
    jest.useFakeTimers({ now: Date.parse('2026-05-04T03:02:01.000Z') });
    told = [];
    repeated = new RepeatedEntries((each) => told.push(each));
  });
  afterEach(() => {
    repeated.flush();
    jest.useRealTimers();
  });

  it('tells the first at once, and the others of its minute together', () => {
    for (let number = 0; number < 100; number++) repeated.add('a', entry());
    repeated.add('b', entry());
    expect(told).toHaveLength(2);
    jest.advanceTimersByTime(60_000);
    expect(told.slice(2)).toEqual([
      {
        ...entry(),
        details: { route: 'GET /', repeated: 99, since: '2026-05-04T03:02:01.000Z' },
      },
    ]);
    repeated.add('a', entry());
    expect(told).toHaveLength(4);
    jest.advanceTimersByTime(60_000);
    expect(told).toHaveLength(4);
  });

  it('counts together what is beyond its room, for those who are known apart', () => {
    for (let key = 0; key < 10_000; key++) repeated.add(`unknown ${key}`, entry());
    expect(told).toHaveLength(50);
    repeated.add('known', entry({ ...SYSTEM_ACTOR, kind: 'user' }));
    expect(told).toHaveLength(51);
    jest.advanceTimersByTime(60_000);
    expect(told.slice(51)).toMatchObject([
      { reason: 'many_senders', details: { repeated: 9_950, senders: 'unknown' } },
    ]);
    repeated.add('unknown 1', entry());
    expect(told).toHaveLength(53);
  });
});
