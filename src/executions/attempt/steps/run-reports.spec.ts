import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standIn } from '../../../../test/support/stand-in.js';
import { MaskSet } from '../../../common/redaction/mask-set.js';
import type { StepAttempt } from '../../../engine/runtime/step-handler.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import type { TestReportDocument } from '../../reports/test-report.schema.js';
import { RunReports } from './run-reports.js';

const SECRET = 'token-of-many-characters';
const attempt = standIn<StepAttempt>({
  address: { stage: 's', step: 'unit', attempt: 1 },
  environment: {},
});

describe('RunReports', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mr-reports-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const keep = async (...junit: string[]) => {
    const stored: TestReportDocument[] = [];
    const lines: string[] = [];
    const reports = new RunReports(
      { insert: async (report) => void stored.push(report) },
      { executionId: 'e', executionAttempt: 1, pipelineId: 'p' },
      standIn<Workspace>({ directory }),
      MaskSet.from([SECRET]),
      { systemLine: (_address, line) => void lines.push(line) },
    );
    const { signal } = new AbortController();
    const counts = await reports.keep(attempt, { junit }, new Date(0), signal);
    return { counts, lines, stored };
  };

  it('stores what was not read and why, masked, also where nothing was', async () => {
    writeFileSync(join(directory, `${SECRET}.xml`), '<html/>');
    const { counts, lines, stored } = await keep('*.xml', 'none.xml');
    const problems = [
      '***.xml is not read: The report begins with neither testsuites nor testsuite.',
      'nothing fits none.xml',
    ];
    expect(stored).toMatchObject([{ files: 0, problems, counts: { total: 0 } }]);
    expect(lines).toHaveLength(2);
    expect(counts).toBeUndefined();
  });

  it('stores ten problems at most, and how many more there are', async () => {
    writeFileSync(join(directory, 'a.xml'), '<testsuite><testcase name="x"/></testsuite>');
    const none = Array.from({ length: 12 }, (_, index) => `none-${index}`);
    const { counts, stored } = await keep('a.xml', ...none);
    expect(stored).toMatchObject([{ files: 1, counts: { total: 1 } }]);
    expect(stored[0]?.problems).toHaveLength(11);
    expect(stored[0]?.problems?.at(-1)).toBe('2 more problems');
    expect(counts?.passed).toBe(1);
  });
});
