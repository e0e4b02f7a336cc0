import { MillraceServer } from '../support/millrace-server.js';

interface ReportBody {
  readonly step: string;
  readonly attempt: number;
  readonly files: number;
  readonly problems: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly name: string; readonly text?: string }[];
  readonly slowest: readonly { readonly name: string; readonly seconds: number }[];
}

const PASSED = '<testcase classname="c" name="steady" time="1.5"/>';
const flaky = (inner: string): string => `<testcase classname="c" name="flaky">${inner}</testcase>`;
const suite = (...cases: readonly string[]): string =>
  `<testsuites tests="99"><testsuite name="s">${cases.join('')}</testsuite></testsuites>`;

/** A pipeline whose one step writes a report and ends with an exit code. */
const yaml = (name: string, report: string, exit: number): string => `name: ${name}
steps:
  - name: unit
    run: |
      mkdir -p out
      cat >out/junit.xml <<'END'
      ${report}
      END
      exit ${exit}
    reports: { junit: ['out/*.xml', nothing.xml] }
`;

describe('reports of tests', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    server = await MillraceServer.start();
  });
  afterAll(() => server.stop());

  const reportsOf = (id: string): Promise<ReportBody[]> =>
    server.call('GET', `/api/ci/executions/${id}/reports`);

  it('are read from a step that failed: counts, failures with text, the slowest', async () => {
    const report = suite(PASSED, flaky('<failure message="no">it broke</failure>'));
    const execution = await server.run(yaml('failing', report, 1));
    expect(execution.status).toBe('failed');
    const [only, ...more] = await reportsOf(execution.id);
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      step: 'unit',
      attempt: 1,
      files: 1,
      problems: ['nothing fits nothing.xml'],
      counts: { total: 2, passed: 1, failed: 1, error: 0, skipped: 0, flaky: 0 },
      failures: [{ suite: 's', class_name: 'c', name: 'flaky', message: 'no', text: 'it broke' }],
      slowest: [{ name: 'steady', seconds: 1.5 }],
    });
    const log = await server.logText(execution.id);
    expect(log).toContain('reports: 1 file: 1 passed, 1 failed, 0 skipped');
    expect(log).toContain('reports: nothing fits nothing.xml');
  });

  it('fail nothing when they are none, and are not followed out of the workspace', async () => {
    const execution = await server.run(`name: bad
steps:
  - name: unit
    run: |
      echo '<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>' >dtd.xml
      echo '<testsuite><testcase' >cut.xml
      ln -s /etc/passwd link.xml
      mkfifo pipe.xml
    reports: { junit: '*.xml' }
`);
    expect(execution.status).toBe('success');
    const reports = await reportsOf(execution.id);
    expect(reports).toMatchObject([{ files: 0, counts: { total: 0 } }]);
    const problems = reports.flatMap((report) => report.problems).join('\n');
    const log = await server.logText(execution.id);
    for (const name of ['dtd.xml', 'cut.xml']) {
      expect(log).toContain(`reports: ${name} is not read`);
      expect(problems).toContain(`${name} is not read`);
    }
    expect(log).not.toContain('root:');
  });

  it('leaves out what an earlier step has written', async () => {
    const execution = await server.run(`name: old
steps:
  - run: 'echo "<testsuite><testcase name=\\"x\\"/></testsuite>" >old.xml; sleep 0.1'
  - { name: unit, run: 'true', reports: { junit: '*.xml' } }
`);
    const old = 'old.xml is not read: it is older than the step';
    expect(await reportsOf(execution.id)).toMatchObject([{ files: 0, problems: [old] }]);
    expect(await server.logText(execution.id)).toContain(old);
  });

  it('keeps each try of a step, and finds what is flaky at one commit', async () => {
    const failed = flaky('<failure/>');
    const passed = flaky('');
    const pipeline = await server.createPipeline(`name: tries
steps:
  - name: unit
    run: |
      if [ "$CI_STEP_ATTEMPT" = 1 ]; then
        echo '${suite(PASSED, failed)}' >r.xml; exit 1
      fi
      echo '${suite(PASSED, passed)}' >r.xml
    retry: { max: 1, backoff: { initial: 1ms } }
    reports: { junit: r.xml }
`);
    const commit = 'a'.repeat(40);
    const execution = await server.finished(
      await server.trigger(pipeline, { commit_hash: commit }),
    );
    expect(execution.status).toBe('success');
    const reports = await reportsOf(execution.id);
    expect(reports.map(({ attempt, counts }) => [attempt, counts['failed']])).toEqual([
      [1, 1],
      [2, 0],
    ]);
    const tests = await server.call<{ reports: number; flaky: { name: string }[] }>(
      'GET',
      `/api/ci/pipelines/${pipeline}/tests`,
    );
    expect(tests.reports).toBe(2);
    expect(tests.flaky).toEqual([
      expect.objectContaining({ name: 'flaky', failed: 1, passed: 1, last_commit: commit }),
    ]);
  });
});
