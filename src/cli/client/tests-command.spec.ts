import { WrittenTerminal } from '../../../test/support/written-text.js';
import type { TestReport } from '../api/wire-readers.js';
import { renderReports } from './tests-command.js';

const report: TestReport = {
  ...{ stage: 'main', step: 'unit', attempt: 1, files: 1, problems: [] },
  counts: { passed: 2, failed: 0, error: 0, skipped: 1, flaky: 0 },
  ...{ failures: [], unlisted_failures: 0, slowest: [] },
};
const shown = (change: Partial<TestReport>): string[] =>
  renderReports([{ ...report, ...change }], new WrittenTerminal().terminal);

it('tells what was not read, and that nothing was', () => {
  const problems = ['a.xml is not read: \u001b[31mit is cut off'];
  expect(shown({ problems })).toEqual([
    'main/unit: 2 passed, 0 failed, 1 skipped',
    '  a.xml is not read: it is cut off',
  ]);
  expect(shown({ problems, files: 0 })[0]).toBe('main/unit: no report was read');
});

it('takes what an older server says', () => {
  expect(shown({ problems: undefined, files: undefined })).toEqual([
    'main/unit: 2 passed, 0 failed, 1 skipped',
  ]);
});
