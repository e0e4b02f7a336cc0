import { steadyClock } from './steady-clock.js';

describe('steady clock', () => {
  it('begins at the time of the machine, and follows no move of it', () => {
    const before = Date.now();
    const clock = steadyClock();
    const first = clock.now();
    expect(Math.abs(first - before)).toBeLessThan(1_000);
    const moved = jest.spyOn(Date, 'now').mockReturnValue(before + 3_600_000);
    try {
      expect(clock.now() - first).toBeLessThan(1_000);
      expect(clock.now()).toBeGreaterThanOrEqual(first);
    } finally {
      moved.mockRestore();
    }
  });
});
