import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultSuggestions } from '../../common/errors/error-kind.js';
import { packageRoot } from '../../config/paths.js';
import { commandSuggestions, detailLines } from './refusal-lines.js';

describe('detailLines', () => {
  const lines = (details: unknown): readonly string[] =>
    detailLines({ error: 'ValidationError', details });

  it('says what is wrong with each field', () => {
    const missing = { path: 'inputs.env', code: 'missing_input', message: 'env is missing.' };
    const forge = { message: 'forge must say which forge runs there', suggestion: 'Add --forge.' };
    expect(lines([missing, forge])).toEqual([
      'env is missing.',
      'forge must say which forge runs there Add --forge.',
    ]);
  });

  it('says each place in a file', () => {
    const place = { line: 3, column: 7, severity: 'error', code: 'wrong_type', message: 'No map.' };
    expect(lines([{ ...place, suggestion: 'Write a text.' }])).toEqual([
      '3:7: error: No map. [wrong_type]',
      'Write a text.',
    ]);
  });

  it.each([
    ['a text', ['a text']],
    [
      { required_scope: 'a:b', roles_with_scope: ['admin', 'user'], limit_bytes: 5, role: null },
      ['required scope: a:b', 'roles with scope: admin, user', 'limit bytes: 5'],
    ],
    [{ uses: [{ kind: 'secret', count: 2 }] }, ['uses: [{"kind":"secret","count":2}]']],
    [
      [null, 1, { message: 1 }],
      ['null', '1', 'message: 1'],
    ],
    ['\u001b[2J', []],
    [undefined, []],
    [null, []],
    [{}, []],
  ])('says all of %j', (details, expected) => {
    expect(lines(details)).toEqual(expected);
  });

  it('says by which id the log of the server has a defect, and with nothing else', () => {
    const details = { request_id: '4711' };
    expect(detailLines({ error: 'InternalError', details })).toEqual(['request id: 4711']);
    expect(lines(details)).toEqual([]);
  });

  it('is not without an end, and nothing of it is obeyed by a terminal', () => {
    expect(lines(Array.from({ length: 1000 }, () => ({ message: 'm' })))).toHaveLength(50);
    expect(lines({ 'a\u001b[2J': ['b\u001b[2J', 'c'.repeat(9_999)] }).join('')).toMatch(
      /^a: b, c{280,300}…$/,
    );
  });
});

describe('commandSuggestions', () => {
  it.each([
    [
      '`./millrace deliveries` (GET /api/ci/deliveries) lists those that are there.',
      ['`./millrace deliveries` lists those that are there.'],
    ],
    [
      'Send the files: `./millrace detect FOLDER` where they are, or POST /api/detect/upload.',
      ['Send the files: `./millrace detect FOLDER` where they are.'],
    ],
    [
      'Wait for the time in the Retry-After header, then try again; /api/healthchecker shows it.',
      ['Wait for the time that the server asks for, then try again.'],
    ],
    ['Send POST /api/sessions/logout with the header X-CSRF-Token.', []],
    ['Correct the fields that `details` names; /api/docs shows every field.', []],
    ['Take another name.', ['Take another name.']],
  ])('%s', (line, expected) => {
    expect(commandSuggestions([line])).toEqual(expected);
  });

  it('leaves every command that the server names, and no route', () => {
    const named = serverTexts().filter((line) => /\.\/millrace .*\/api\b/.test(line));
    expect(named.length).toBeGreaterThan(8);
    const lines = commandSuggestions(named);
    expect(lines.filter((line) => line.includes('./millrace '))).toHaveLength(named.length);
    for (const line of [...lines, ...commandSuggestions(Object.values(defaultSuggestions))]) {
      expect(line).not.toMatch(/\/api\b|\b(?:GET|POST|PUT|PATCH|DELETE) |Retry-After/);
    }
  });
});

/** Texts in quotes of the code of the server, a line each; `app/` is for whoever reads the API. */
function serverTexts(): string[] {
  const folder = join(packageRoot(), 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?<!\.spec)\.ts$/.test(file) && !/^(?:app|cli|embedded)\//.test(file))
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .flatMap((line) => [...line.matchAll(/'([^']{10,})'|`((?:\\`|[^`]){10,})`/g)])
    .map(([, plain, template]) => (plain ?? template ?? '').replaceAll('\\`', '`'))
    .filter((text) => !/\(\*\*|description/.test(text));
}
