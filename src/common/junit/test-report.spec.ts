import type { TestCase, TestOutcome } from './test-case.js';
import { testReport } from './test-report.js';

const testCase = (name: string, tries: TestOutcome[], more: Partial<TestCase> = {}): TestCase => ({
  suite: 's',
  className: 'c',
  name,
  tries: tries.map((outcome) => ({ outcome })),
  ...more,
});

describe('what reports say together', () => {
  it('counts each case once, by how it ended', async () => {
    const report = await testReport([
      testCase('a', ['passed']),
      testCase('b', ['failed', 'passed']),
      testCase('c', ['failed', 'error']),
      testCase('d', ['failed']),
      testCase('e', ['skipped']),
      testCase('f', ['failed']),
      testCase('f', ['passed'], { seconds: 2 }),
      testCase('f', ['passed'], { file: 'another' }),
    ]);
    expect(report.counts).toEqual({
      total: 7,
      passed: 4,
      failed: 1,
      error: 1,
      skipped: 1,
      flaky: 2,
    });
    expect(report.cases.find(({ name }) => name === 'f')).toEqual({
      suite: 's',
      className: 'c',
      name: 'f',
      seconds: 2,
      outcome: 'passed',
      tries: ['failed', 'passed'],
    });
  });

  it('shows why cases have failed, a hundred of them', async () => {
    const told = testCase('told', [], {
      tries: [{ outcome: 'failed', message: 'm', type: 't', text: 'stack' }, { outcome: 'error' }],
    });
    const mended = testCase('mended', ['failed', 'passed']);
    const many = Array.from({ length: 120 }, (_, index) => testCase(`f${index}`, ['failed']));
    const { failures, unlistedFailures } = await testReport([mended, told, ...many]);
    expect(failures).toHaveLength(100);
    expect(unlistedFailures).toBe(21);
    expect(failures[0]).toEqual({
      suite: 's',
      className: 'c',
      name: 'told',
      outcome: 'error',
      message: 'm',
      type: 't',
      text: 'stack',
    });
    expect(failures[1]).toEqual({ suite: 's', className: 'c', name: 'f0', outcome: 'failed' });
  });

  it('names the ten slowest, and does not take long for the same case again and again', async () => {
    const timed = Array.from({ length: 15 }, (_, index) =>
      testCase(`t${index}`, ['passed'], { seconds: index % 8 }),
    );
    const { slowest } = await testReport([...timed, testCase('untimed', ['passed'])]);
    expect(slowest.map(({ seconds }) => seconds)).toEqual([7, 6, 6, 5, 5, 4, 4, 3, 3, 2]);
    const same = Array.from({ length: 100_000 }, () => testCase('same', ['failed']));
    expect((await testReport(same)).cases[0]?.tries).toHaveLength(100_000);
  });
});
