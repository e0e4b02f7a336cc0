import type { LauncherFolder } from '../protocol/launcher-folder.js';
import { readOomScoreAdjustment } from '../trees/process-table.js';
import { MarkPool } from './mark-pool.js';

const identity = { pid: 1, startTicks: 1, bootId: 'boot' };

/** Claims in memory; `taken` are other launchers' marks. */
function poolBeside(taken: (mark: number) => boolean): MarkPool {
  const claimed = new Set<number>();
  const folder = {
    claim: (mark: number) => !taken(mark) && !claimed.has(mark) && claimed.add(mark).size > 0,
  };
  return new MarkPool(folder as unknown as LauncherFolder, identity);
}

function takeMany(pool: MarkPool, count: number): number[] {
  return Array.from({ length: count }, () => pool.take()).filter((mark) => mark !== undefined);
}

describe('MarkPool', () => {
  const base = readOomScoreAdjustment(process.pid) ?? 0;
  const [first, last] = base < 301 ? [301, 719] : base < 720 ? [720, 887] : [base + 1, 999];

  it('takes from its own range only, which a Millrace in a step never uses', () => {
    const marks = takeMany(
      poolBeside(() => false),
      10,
    );
    expect(new Set(marks).size).toBe(10);
    for (const mark of marks) {
      expect(mark).toBeGreaterThanOrEqual(first);
      expect(mark).toBeLessThanOrEqual(last);
    }
    expect(poolBeside((mark) => mark <= last).take()).toBeUndefined();
  });

  it('gives the same mark again, and none when all are taken', () => {
    const pool = poolBeside(() => false);
    const mark = pool.take() ?? 0;
    pool.give(mark);
    expect(pool.take()).toBe(mark);
    expect(poolBeside(() => true).take()).toBeUndefined();
  });
});
