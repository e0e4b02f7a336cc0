import type { ReportedCase } from '../../common/junit/test-report.js';
import { packOutcomes, unpackedBytes, unpackOutcomes } from './case-outcomes.js';

describe('packOutcomes', () => {
  it('keeps who a case is and how each of its tries ended', async () => {
    const cases: ReportedCase[] = [
      {
        ...{ suite: 's', className: 'c', name: 'n', file: 'f.ts', outcome: 'passed', seconds: 2 },
        tries: ['error', 'failed', 'skipped', 'passed'],
      },
      { suite: '', className: '', name: '__proto__', outcome: 'passed', tries: ['passed'] },
    ];
    const packed = await packOutcomes(cases);
    const bytes = unpackedBytes(packed);
    await expect(unpackOutcomes(packed, bytes - 1)).rejects.toThrow(/larger than/);
    expect(await unpackOutcomes(packed, bytes)).toEqual([
      { suite: 's', className: 'c', name: 'n', file: 'f.ts', tries: cases[0]?.tries },
      { suite: '', className: '', name: '__proto__', tries: ['passed'] },
    ]);
  });

  it('takes little room', async () => {
    const cases = Array.from({ length: 10_000 }, (_, index): ReportedCase => ({
      ...{ suite: 'suite of many', className: 'com.example.SomeTest', name: `case ${index}` },
      ...{ outcome: 'passed', tries: ['passed'] },
    }));
    expect((await packOutcomes(cases)).length).toBeLessThan(100_000);
  });
});
