import { deliveriesText, minutesOf } from './alert-commands.js';

describe('a time of maintenance', () => {
  it.each([
    ['30m', 30],
    ['2h', 120],
    ['1d', 1440],
  ])('is written as %s', (text, minutes) => {
    expect(minutesOf(text)).toBe(minutes);
  });

  it.each(['', '30', '0m', '-1h', '1.5h', '1w', '1 h', '999999m'])(
    'is not written as %j',
    (text) => {
      expect(() => minutesOf(text)).toThrow('30m, 2h or 1d');
    },
  );
});

describe('an alert', () => {
  const alert = {
    ...{ service: 'default/shop', status: 'failed', at: '2026-01-31T12:02:57.000Z' },
    reason: { code: 'c', message: 'm' },
  };
  const delivery = (channel: string, state: string, attempts: number, message?: string) => ({
    ...{ channel, state, attempts, reason: message === undefined ? null : { message } },
  });

  it('is shown with what became of each delivery', () => {
    const deliveries = [
      delivery('a', 'delivered', 2, 'old'),
      delivery('b', 'pending', 0),
      delivery('c', 'failed', 99, 'no connection\u001b[2J'),
      delivery('d', 'skipped', 0, 'not asked'),
    ];
    expect(deliveriesText({ ...alert, deliveries })).toBe(
      'a delivered; b pending; c failed (99 tries, no connection); d skipped (not asked)',
    );
    expect(deliveriesText({ ...alert, deliveries: [] })).toBe('nobody');
  });
});
