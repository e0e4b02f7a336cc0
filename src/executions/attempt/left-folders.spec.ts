import { LeftFolders } from './left-folders.js';

const folder = (executionId: string) => ({ executionId, attempt: 1, root: `/w/${executionId}` });

describe('LeftFolders', () => {
  let now: number;
  let tried: string[];
  let warnings: number;
  let left: LeftFolders;

  beforeEach(() => {
    now = 0;
    tried = [];
    warnings = 0;
    left = new LeftFolders(
      {
        list: () => Promise.resolve(['runs', 'claimed', 'stuck', 'over', 'older'].map(folder)),
        remove: ({ root }) => {
          tried.push(root);
          return root === '/w/stuck' ? Promise.reject(new Error('not empty')) : Promise.resolve();
        },
      },
      { holds: (id) => id === 'runs' },
      {
        holdStates: () =>
          Promise.resolve([
            { _id: 'claimed', status: 'running', attempt: 1 },
            { _id: 'older', status: 'running', attempt: 2 },
            { _id: 'stuck', status: 'failed', attempt: 1 },
          ] as never),
      },
      { warn: () => (warnings += 1) },
      () => now,
    );
  });

  it('removes what no worker holds, beside a folder that stays', async () => {
    await left.remove();
    expect(tried).toEqual(['/w/stuck', '/w/over', '/w/older']);
    expect(warnings).toBe(1);
  });

  it('tries what stays again after 10 s, 20 s, and so on, up to half an hour', async () => {
    const times: number[] = [];
    for (; now <= 3 * 3_600_000; now += 5_000) {
      tried = [];
      await left.remove();
      if (tried.includes('/w/stuck')) times.push(now / 1_000);
    }
    expect(times.slice(0, 5)).toEqual([0, 10, 30, 70, 150]);
    expect((times.at(-1) ?? 0) - (times.at(-2) ?? 0)).toBe(1_800);
  });
});
