import type { LauncherFolder } from './launcher-folder.js';
import { MarkPool } from './mark-pool.js';
import { readOomScoreAdjustment } from './process-table.js';

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
  const base = Math.max(readOomScoreAdjustment(process.pid) ?? 0, 300);

  it('leaves the top to a Millrace that runs in a step', () => {
    const marks = takeMany(
      poolBeside(() => false),
      10,
    );
    expect(new Set(marks).size).toBe(10);
    for (const mark of marks) {
      expect(mark).toBeGreaterThan(base);
      expect(mark).toBeLessThanOrEqual(base + Math.ceil((999 - base) * 0.6));
    }
  });

  it('takes from the top when nothing else is free', () => {
    const room = Math.ceil((999 - base) * 0.6);
    const pool = poolBeside((mark) => mark <= base + room);
    expect(pool.take()).toBeGreaterThan(base + room);
  });

  it('gives the same mark again, and none when all are taken', () => {
    const pool = poolBeside(() => false);
    const mark = pool.take() ?? 0;
    pool.give(mark);
    expect(pool.take()).toBe(mark);
    expect(poolBeside(() => true).take()).toBeUndefined();
  });
});
