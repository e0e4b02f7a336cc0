import { decideRefresh, RACE_MS, rotationsWith } from './refresh-decision.js';

const NOW = 1_000_000;
const at = (ms: number): Date => new Date(NOW + ms);
const session = {
  kind: 'client',
  generation: 3,
  rotations: [
    { generation: 1, at: at(-RACE_MS - 1) },
    { generation: 2, at: at(-RACE_MS) },
  ],
  ended_at: null,
  expires_at: at(1),
} as const;

describe('the exchange of a refresh token', () => {
  it('rotates the one that is good now', () => {
    expect(decideRefresh(session, 3, NOW)).toEqual({ kind: 'rotate' });
  });

  it('gives the same successor again for ten seconds', () => {
    expect(decideRefresh(session, 2, NOW)).toEqual({
      kind: 'race',
      generation: 3,
      at: at(-RACE_MS),
    });
  });

  it('takes it for stolen after ten seconds, and when it is forgotten', () => {
    expect(decideRefresh(session, 1, NOW)).toEqual({ kind: 'reuse' });
    expect(decideRefresh(session, 0, NOW)).toEqual({ kind: 'reuse' });
  });

  it.each([
    ['after the end', { ended_at: at(-5) }, 3],
    ['after the end, for a race too', { ended_at: at(-5) }, 2],
    ['at the expiry', { expires_at: at(0) }, 3],
    ['for a token of a later time', {}, 4],
    ['for a browser', { kind: 'browser' as const }, 3],
  ])('is refused %s', (_when, change, generation) => {
    expect(decideRefresh({ ...session, ...change }, generation, NOW)).toEqual({ kind: 'over' });
  });

  it('is remembered for as long as it may be repeated', () => {
    expect(rotationsWith(session, 3, at(0))).toEqual([
      { generation: 2, at: at(-RACE_MS) },
      { generation: 3, at: at(0) },
    ]);
  });
});
