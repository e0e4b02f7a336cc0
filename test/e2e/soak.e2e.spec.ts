import { runSoak } from '../soak/run-soak.js';

jest.setTimeout(240_000);

/** The short one: the same seed each time. `npm run soak` is the long one. */
describe('soak', () => {
  it('a seeded mixture of pipelines under faults: 0 lost, 0 doubled, every end explained', async () => {
    const report = await runSoak({
      runs: 150,
      seed: 1,
      faultEveryMs: 6_000,
      mostMs: 60_000,
      say: () => undefined,
    });
    const { lost, doubled, breaches, unexpected, timeline } = report;
    expect({ lost, doubled, breaches, unexpected, timeline }).toEqual({
      lost: [],
      doubled: [],
      breaches: [],
      unexpected: [],
      timeline,
    });
    expect(report.runs).toBeGreaterThanOrEqual(50);
  });
});
