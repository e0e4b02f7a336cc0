import { cronProblem } from './cron.js';
import { parseDuration } from '../yaml/duration.js';
import { parseDefinition } from './parse-definition.js';
import { formatPath } from '../yaml/problem.js';
import { decodeYamlBytes, SourceText, textProblem } from '../yaml/source-text.js';

describe('decodeYamlBytes', () => {
  it('reads UTF-8 with and without a byte order mark', () => {
    const bytes = new TextEncoder().encode('name: café');
    expect(decodeYamlBytes(bytes)).toEqual({ ok: true, text: 'name: café' });
    const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...bytes]);
    expect(decodeYamlBytes(marked)).toEqual({ ok: true, text: 'name: café' });
  });

  it.each([
    ['UTF-16 little endian', [0xff, 0xfe, 0x61, 0x00], 'invalid_encoding'],
    ['UTF-16 big endian', [0xfe, 0xff, 0x00, 0x61], 'invalid_encoding'],
    ['Latin-1', [0x63, 0x61, 0x66, 0xe9], 'invalid_encoding'],
    ['1 MiB and a byte', new Array<number>(1_048_577).fill(0x61), 'too_large'],
  ])('refuses %s', (_name, bytes, code) => {
    expect(decodeYamlBytes(Uint8Array.from(bytes))).toMatchObject({ ok: false, problem: { code } });
  });
});

describe('textProblem', () => {
  it.each([
    ['name: a\u0000', 1, 8],
    ['a: 1\nb: \u0007', 2, 4],
    ['a: \ud800', 1, 4],
    ['n\u0000a\u0000', 1, 2],
  ])('refuses %j', (text, line, column) => {
    expect(textProblem(text)).toMatchObject({ code: 'invalid_character', line, column });
  });

  it('takes what YAML takes', () => {
    expect(textProblem('name: "\u{1f600} é"\r\n\tx\u0085')).toBeUndefined();
  });
});

describe('SourceText', () => {
  it('counts lines and columns from 1', () => {
    const source = new SourceText('ab\n\ncd');
    expect([0, 2, 3, 4, 6].map((offset) => source.position(offset))).toEqual([
      { line: 1, column: 1 },
      { line: 1, column: 3 },
      { line: 2, column: 1 },
      { line: 3, column: 1 },
      { line: 3, column: 3 },
    ]);
  });

  it('counts a byte order mark nowhere, and CRLF as one line', () => {
    const { problems } = parseDefinition('\ufeffnmae: a\r\nsteps: [a]\r\nfoo: b\r\n');
    expect(problems.map(({ line, column }) => [line, column])).toEqual([
      [1, 1],
      [1, 1],
      [3, 1],
    ]);
  });
});

describe('formatPath', () => {
  it.each([
    [[], ''],
    [['stages', 0, 'steps', 1, 'run'], 'stages[0].steps[1].run'],
    [['environment', 'a b'], 'environment["a b"]'],
  ])('%j', (path, text) => {
    expect(formatPath(path)).toBe(text);
  });
});

describe('parseDuration', () => {
  it.each([
    ['90', 90_000],
    ['0', 0],
    ['60m', 3_600_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1s500ms', 1500],
    ['7d', 604_800_000],
    ['', undefined],
    ['1.5h', undefined],
    ['30m1h', undefined],
    ['-5', undefined],
    ['1 h', undefined],
    ['h', undefined],
    ['9999999999', undefined],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});

describe('cronProblem', () => {
  it.each([
    '* * * * *',
    '0 3 * * *',
    '*/5 0-6 1,15 jan-mar MON-FRI',
    '0 0 29 2 7',
    '5/10 * * * sun',
  ])('takes %s', (expression) => {
    expect(cronProblem(expression)).toBeUndefined();
  });
  it.each([
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '*/0 * * * *',
  ])('refuses %j', (expression) => {
    expect(cronProblem(expression)).toEqual(expect.any(String));
  });
  it.each(['5-1 * * * *', '@daily * * * *', '*-5 * * * *', '1,,2 * * * *', '* * * * * *'])(
    'refuses %j',
    (expression) => {
      expect(cronProblem(expression)).toEqual(expect.any(String));
    },
  );
});
