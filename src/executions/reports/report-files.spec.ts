import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MaskSet } from '../../common/redaction/mask-set.js';
import { readReportFiles } from './report-files.js';

const SINCE = new Date('2026-01-02T00:00:00Z');
const SECRET = 'token-of-many-characters';
const ONE = '<testsuite><testcase name="x"/></testsuite>';

describe('readReportFiles', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mr-reports-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const write = (name: string, text: string, time = SINCE): void => {
    writeFileSync(join(root, name), text);
    utimesSync(join(root, name), time, time);
  };
  const read = (...globs: string[]) =>
    readReportFiles(root, globs, SINCE, MaskSet.from([SECRET]), new AbortController().signal);

  it('reads the cases of all files, in the order of their names', async () => {
    mkdirSync(join(root, 'b'));
    write('b/two.xml', ONE.replace('"x"', '"y"'));
    write('a.xml', ONE);
    const { cases, files, problems } = await read('**/*.xml');
    expect(cases.map(({ name }) => name)).toEqual(['x', 'y']);
    expect([files, problems]).toEqual([2, []]);
  });

  it('masks what is in them', async () => {
    write('a.xml', `<testsuite name="of ${SECRET}"><testcase name="x"/></testsuite>`);
    expect((await read('*.xml')).cases[0]?.suite).toBe('of ***');
  });

  it('names what is older than the step, what is no report, and what is not there', async () => {
    write('old.xml', ONE, new Date(SINCE.getTime() - 1));
    write('bad.xml', '<testsuite');
    symlinkSync('/etc/passwd', join(root, 'link.xml'));
    write('good.xml', ONE);
    const { files, problems } = await read('*.xml', 'none.xml');
    expect(files).toBe(1);
    expect(problems).toEqual([
      expect.stringMatching(/^bad\.xml is not read: /),
      'old.xml is not read: it is older than the step',
      'nothing fits none.xml',
    ]);
  });
});
