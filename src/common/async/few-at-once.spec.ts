import { fewAtOnce } from './few-at-once.js';

describe('fewAtOnce', () => {
  it('does all, so many at a time', async () => {
    const done: number[] = [];
    let [now, most] = [0, 0];
    await fewAtOnce([1, 2, 3, 4, 5], 2, async (item) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
      done.push(item);
    });
    expect(done.sort()).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });

  it('does the others, too, when one fails, and says the first failure', async () => {
    const done: number[] = [];
    const work = fewAtOnce([1, 2, 3], 1, (item) => {
      if (item < 3) return Promise.reject(new Error(`no ${item}`));
      done.push(item);
      return Promise.resolve();
    });
    await expect(work).rejects.toThrow('no 1');
    expect(done).toEqual([3]);
  });
});
