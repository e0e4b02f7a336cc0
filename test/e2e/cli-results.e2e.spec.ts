import { mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandLine, type Outcome } from '../support/command-line.js';
import { MillraceServer } from '../support/millrace-server.js';
import { removeTree } from '../support/remove-tree.js';

const REPORT =
  '<testsuite name="s"><testcase name="steady" time="1.5"/>' +
  '<testcase name="late"><failure message="no">line 7</failure></testcase></testsuite>';

/** What executions leave, by the command line. */
describe('what an execution leaves, by the command line', () => {
  let server: MillraceServer;
  let folder: string;
  let cli: CommandLine;

  beforeAll(async () => {
    server = await MillraceServer.start();
    folder = await mkdtemp(join(tmpdir(), 'millrace-results-'));
    const { baseUrl, token } = server;
    cli = new CommandLine(folder, { MILLRACE_URL: baseUrl, MILLRACE_TOKEN: token });
    await server.run(`name: results
steps:
  - name: unit
    run: |
      echo '{}' >package-lock.json
      mkdir -p dist/sub "$npm_config_cache/_cacache"
      printf hello >dist/app; printf b >dist/sub/b; chmod 755 dist/app
      echo x >"$npm_config_cache/_cacache/x"
      echo '${REPORT}' >junit.xml
    cache: npm
    artifacts: dist
    reports: { junit: junit.xml }
  - run: 'true'
    cache: npm
`);
  });
  afterAll(async () => {
    await server.stop();
    await removeTree(folder);
  });

  const run = (...words: string[]): Promise<Outcome> => cli.run(words);

  it('status and explain show counts, and why a cache was found', async () => {
    const status = await run('status', 'last');
    expect(status.stdout).toMatch(/unit .*tests: 1 passed, 1 failed; 2 artifacts, [1-9]\d* B/);
    const explained = await run('explain', 'last');
    expect(explained.stdout).toMatch(/cache npm: neither restored nor saved: no file fits/);
    expect(explained.stdout).toMatch(/cache npm: as a step before has left it; saved as npm-/);
  });

  it('artifacts are listed, and saved whole or by a pattern', async () => {
    const listed = await run('artifacts', 'last');
    expect(listed.stdout).toMatch(/dist\/app +5 B +main\/unit/);
    expect(await run('artifacts', 'last', '--save', 'all')).toMatchObject({ code: 0, stderr: '' });
    expect(await readFile(join(folder, 'all/dist/app'), 'utf8')).toBe('hello');
    const part = await run('artifacts', 'results#1', 'dist/sub/**', '--save', 'deep/part');
    expect(part.stdout).toMatch(/^Saved to deep\/part: /);
    expect(await readdir(join(folder, 'deep/part/dist'))).toEqual(['sub']);
  });

  it('artifacts do not go over what is there', async () => {
    await writeFile(join(folder, 'taken'), 'mine');
    const taken = await run('artifacts', 'last', '--save', 'taken');
    expect([taken.code, taken.stderr]).toEqual([
      1,
      expect.stringContaining('must be new or empty'),
    ]);
    expect(await readFile(join(folder, 'taken'), 'utf8')).toBe('mine');
    const nowhere = await run('artifacts', 'last', 'dist/**');
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining('--save out')]);
    const none = await run('artifacts', 'last', 'other/**', '--save', 'none');
    expect([none.code, none.stderr]).toEqual([5, expect.stringContaining('Nothing fits')]);
    expect(await readdir(folder)).not.toContain('none');
    const hostile = await run('artifacts', 'last', '/etc/*', '--save', 'other');
    expect(hostile.code).toBe(2);
  });

  it('tests show failures with their text, and which are flaky', async () => {
    const { stdout } = await run('tests', 'last');
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining([
        'main/unit: 1 passed, 1 failed, 0 skipped',
        '  failed s › late: no',
        '    | line 7',
        '  slow: 1500 ms s › steady',
      ]),
    );
    expect((await run('tests', 'flaky', 'results')).stderr).toContain('None in the last 1 reports');
  });

  it('caches are listed and deleted', async () => {
    const listed = await run('caches', '-p', 'results');
    const id = /^([0-9a-f-]+) +npm-/m.exec(listed.stdout)?.[1] ?? '';
    expect(await run('caches', 'delete', id)).toMatchObject({ code: 0 });
    expect((await run('caches')).stderr).toContain('No caches.');
    expect((await run('caches', 'delete', id)).code).toBe(5);
  });
});
