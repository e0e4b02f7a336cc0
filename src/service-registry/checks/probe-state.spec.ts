import { CALM_MS, newProbeState, probed, type ProbeState, unobserved } from './probe-state.js';
import type { ProbeResult } from './service-check.js';

const RULES = { up: 2, down: 3 };
const good: ProbeResult = { ok: true };
const away: ProbeResult = { ok: null, code: 'not_askable', message: 'no engine' };
const bad: ProbeResult = { ok: false, code: 'timeout', message: 'no answer within 5 s' };

/** Answers in order, 10 s after one another: `+` is good, `-` is bad, `?` nobody looked. */
function after(answers: string, start: ProbeState = newProbeState(0), from = 0): ProbeState {
  return [...answers].reduce((state, answer, index) => {
    const at = from + index * 10_000;
    if (answer === '?') return unobserved(state, at);
    return probed(state, RULES, answer === '+' ? good : bad, at);
  }, start);
}

describe('the state of an endpoint', () => {
  it.each([
    ['', 'starting', 0],
    ['+', 'starting', 0],
    ['++', 'running', 10_000],
    ['+-++', 'running', 30_000],
    ['---', 'failed', 20_000],
    ['--+--', 'starting', 0],
    ['++--', 'running', 10_000],
    ['++--+--', 'running', 10_000],
    ['++---', 'failed', 40_000],
    ['++---+', 'failed', 40_000],
    ['++---+-+', 'failed', 40_000],
    ['++---++', 'running', 60_000],
  ])('after %p is %s since %i ms', (answers, status, since) => {
    expect(after(answers)).toMatchObject({ status, since });
  });

  it.each([
    ['++?', 'unknown', 20_000],
    ['++??', 'unknown', 20_000],
    ['++?+', 'running', 30_000],
    ['++?-', 'unknown', 20_000],
    ['++?---', 'failed', 50_000],
    ['---?-', 'failed', 40_000],
    ['---?+', 'unknown', 30_000],
    ['---?++', 'running', 50_000],
    ['+?+', 'unknown', 10_000],
    ['+?++', 'running', 30_000],
    ['++--?-', 'unknown', 40_000],
  ])('after %p, where nobody looked at ?, is %s since %i ms', (answers, status, since) => {
    expect(after(answers)).toMatchObject({ status, since });
  });

  it('is unknown with a reason where nobody could look, and then what it was', () => {
    const running = after('++');
    const unknown = probed(running, RULES, away, 20_000);
    expect(unknown).toMatchObject({
      ...{
        status: 'unknown',
        since: 20_000,
        problem: { code: 'not_askable', message: 'no engine' },
      },
    });
    expect(probed(unknown, RULES, away, 30_000).since).toBe(20_000);
    expect(probed(unknown, RULES, good, 30_000)).toMatchObject({
      status: 'running',
      problem: null,
    });
  });

  it('keeps the last bad answer until it passes', () => {
    expect(after('++-').problem).toEqual({ code: 'timeout', message: 'no answer within 5 s' });
    expect(after('++-+').problem).toBeNull();
    expect(after('---+').problem).not.toBeNull();
    expect(after('---++').problem).toBeNull();
  });

  it('flaps after four changes within ten minutes, and no more when it was calm for five', () => {
    const turns = '++' + '---++'.repeat(2);
    expect(after(turns.slice(0, -1))).toMatchObject({ flapping: false, status: 'failed' });
    const flapping = after(turns);
    expect(flapping).toMatchObject({ flapping: true, status: 'running' });
    const last = flapping.changes.at(-1) ?? 0;
    const still = probed(flapping, RULES, good, last + CALM_MS - 1);
    expect(still.flapping).toBe(true);
    const calm = probed(still, RULES, good, last + CALM_MS);
    expect(calm).toMatchObject({ flapping: false, changes: [], status: 'running' });
    expect(probed(calm, RULES, good, last + CALM_MS + 1).flapping).toBe(false);
  });

  it('counts no change across a time in which nobody looked twice, and changes of old none', () => {
    expect(after('++?+?+?+').changes).toEqual([]);
    expect(after('++?---').changes).toEqual([50_000]);
    const slow = ['---', '++', '---', '++'].reduce(
      (state, answers, index) => after(answers, state, (index + 1) * 240_000),
      after('++'),
    );
    expect(slow.flapping).toBe(false);
  });
});
