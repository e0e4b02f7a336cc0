import fc from 'fast-check';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { MillraceServer } from '../support/millrace-server.js';
import { MIB, residentOf } from '../support/process-memory.js';
import { rawRequest } from '../support/raw-socket.js';

jest.setTimeout(180_000);

const token = 'test-token-of-24-characters';
const bearer = { authorization: `Bearer ${token}` };
const MiB = 1024 * 1024;
/**
 * The promise is 200 ms; this is for machines that have much else to do. What was seen is printed.
 */
const healthMs = 2_000;
const honest = 'name: honest\nsteps:\n  - run: "true"\n';
const validatePath = '/api/ci/pipelines/validate';

/** A program that tells each answer's milliseconds when they are more than all before. */
const watching = `
  let slowest = 0;
  const ask = async () => {
    const started = performance.now();
    await (await fetch(process.argv[1])).arrayBuffer();
    const ms = performance.now() - started;
    if (ms > slowest) console.log((slowest = ms));
    setTimeout(ask, 10);
  };
  ask();`;

/** `lines(3, f)` = f(0) f(1) f(2), one a line. */
const lines = (count: number, line: (n: number) => string): string =>
  Array.from({ length: count }, (_each, n) => line(n)).join('\n');

const laughs = `a0: &a0 [x, x, x, x, x, x, x, x, x]\n${lines(
  60,
  (n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]`,
)}\n`;

/**
 * What is sent as YAML, and the codes of problems of which at least one must be told; none = it is
 * taken.
 */
const attacks: readonly (readonly [string, string, readonly string[]])[] = [
  ['an alias bomb', laughs, ['alias_limit', 'unknown_key']],
  ['an alias of itself', 'name: &a [*a]\n', ['alias_cycle']],
  ['flow lists 10,000 deep', '['.repeat(10_000), ['too_deep']],
  [
    'closed flow lists 10,000 deep',
    `name: ${'['.repeat(10_000)}${']'.repeat(10_000)}`,
    ['too_deep'],
  ],
  ['flow maps 10,000 deep', '{a: '.repeat(10_000), ['too_deep']],
  ['block lists 10,000 deep', '- '.repeat(10_000), ['too_deep']],
  ['block maps 1,000 deep', lines(1_000, (n) => `${' '.repeat(n)}a:`), ['too_deep']],
  ['keys within keys', '? '.repeat(10_000), ['too_deep']],
  ['900 KiB of unique keys', lines(90_000, (n) => `k${n}: 1`), ['too_complex', 'unknown_key']],
  [
    '900 KiB of unique variables',
    `${honest}environment:\n${lines(80_000, (n) => `  A${n}: 1`)}`,
    ['too_complex', 'out_of_range'],
  ],
  ['900 KiB of commas', `name: [${'1,'.repeat(450_000)}]`, ['too_complex']],
  ['900 KiB of anchors', '&a '.repeat(300_000), ['too_complex', 'too_deep']],
  ['900 KiB of documents', '---\n'.repeat(220_000), ['too_complex', 'multiple_documents']],
  [
    '900 KiB of tags',
    `name: x\n${'- !!str x\n'.repeat(90_000)}`,
    ['too_complex', 'tag_not_allowed', 'yaml_syntax'],
  ],
  ['900 KiB of spaces', `name:${' '.repeat(900_000)}x`, ['missing_key']],
  ['900 KiB of tabs', `name:\n${'\t'.repeat(900_000)}`, ['yaml_syntax', 'missing_key']],
  [
    '900 KiB of empty lines in a text',
    `name: |\n${' \n'.repeat(450_000)}`,
    ['missing_key', 'empty_value', 'too_long'],
  ],
  ['900 KiB of escapes', `name: "${'\\n'.repeat(450_000)}"`, ['missing_key']],
  [
    '900 KiB of quotes',
    `name: ${"''".repeat(450_000)}`,
    ['yaml_syntax', 'missing_key', 'too_complex'],
  ],
  ['one line of 900 KiB', `name: ${'x'.repeat(900_000)}`, ['missing_key']],
  ['a number of 900,000 digits', `name: ${'9'.repeat(900_000)}`, ['missing_key']],
  [
    '900 KiB of expressions',
    `name: x\nsteps:\n  - run: "${'${{ env.A }}'.repeat(75_000)}"\n`,
    ['too_long', 'too_complex', 'too_many_problems', 'expression_too_complex', 'unprocessable'],
  ],
  [
    '900 KiB of openings',
    `name: x\nsteps:\n  - run: "${'${{ '.repeat(225_000)}"\n`,
    ['unclosed_expression', 'too_long'],
  ],
  ['two documents', `${honest}---\n${honest}`, ['multiple_documents']],
  [
    'a JavaScript function',
    'name: !!js/function "function () { process.exit() }"\nsteps: [{run: a}]\n',
    ['tag_not_allowed'],
  ],
  ['binary', 'name: !!binary aGVsbG8=\nsteps: [{run: a}]\n', ['tag_not_allowed']],
  [
    'a tag of its own',
    '%TAG ! tag:evil.example,2026:\n---\nname: !x y\nsteps: [{run: a}]\n',
    ['tag_not_allowed'],
  ],
  ['a merge key', 'x-a: &a {run: a}\nname: x\nsteps:\n  - <<: *a\n', ['merge_key']],
  ['YAML 1.1', '%YAML 1.1\n---\nname: x\nsteps: [{run: a}]\n', ['directive_not_allowed']],
  ['__proto__ at the top', `${honest}__proto__: {admin: true}\n`, ['unknown_key']],
  ['constructor at the top', `${honest}constructor: {prototype: {admin: true}}\n`, ['unknown_key']],
  [
    'prototype in a step',
    'name: x\nsteps:\n  - run: a\n    prototype: {admin: true}\n',
    ['unknown_key'],
  ],
  [
    '__proto__ in a step',
    'name: x\nsteps:\n  - run: a\n    __proto__: {admin: true}\n',
    ['unknown_key'],
  ],
  [
    '__proto__ in the environment',
    `${honest}environment:\n  __proto__: x\n`,
    ['invalid_environment'],
  ],
  ['constructor in the environment', `${honest}environment:\n  constructor: x\n`, []],
  [
    '__proto__ in a list of the environment',
    `${honest}environment: ['__proto__=x']\n`,
    ['invalid_environment'],
  ],
  [
    '__proto__ as an input',
    `${honest}triggers:\n  - manual:\n      inputs:\n        __proto__: {default: x}\n`,
    ['invalid_name', 'unknown_key', 'invalid_input'],
  ],
  [
    '__proto__ as a name',
    'name: __proto__\nsteps:\n  - name: __proto__\n    run: a\n',
    ['invalid_name', 'reserved_name'],
  ],
  [
    'properties of Object in a condition',
    'name: x\nsteps:\n  - run: a\n    when: env.__proto__.constructor == env.toString\n',
    [],
  ],
  [
    'a regular expression that backtracks',
    "name: x\nsteps:\n  - run: a\n    when: matches(trigger.branch, '(a*)*(b+)+$')\n",
    [],
  ],
  [
    'a regular expression that multiplies',
    "name: x\nsteps:\n  - run: a\n    when: matches(trigger.branch, '((a{1,30}){1,30}){1,1}')\n",
    ['invalid_pattern'],
  ],
  [
    'hundreds of large regular expressions',
    `name: x\nsteps:\n${lines(400, (n) => `  - run: a\n    when: matches(trigger.branch, '(a{1,1000})(b{1,1000})${n}')`)}`,
    ['invalid_pattern', 'too_many_problems', 'too_many_steps'],
  ],
  ['a NUL', 'name: "a\0b"\n', ['invalid_character']],
  ['a bell', 'name: "a\u0007b"\n', ['invalid_character']],
  ['a byte order mark', `\ufeff${honest}`, []],
  ['nothing but a comment', '# x\n', ['empty_document']],
  [
    'a name that is a number too large',
    'name: x\ntimeout: 1e999\nsteps: [{run: a}]\n',
    ['invalid_duration', 'out_of_range', 'wrong_type'],
  ],
  [
    'a negative count',
    'name: x\nretry: -1\nsteps: [{run: a}]\n',
    ['out_of_range', 'wrong_type', 'unknown_key'],
  ],
];

describe('untrusted YAML', () => {
  let server: MillraceServer;
  let slowest = 0;
  let watcher: ChildProcessWithoutNullStreams;
  const filesBefore = new Set(readdirSync(tmpdir()));

  beforeAll(async () => {
    server = await MillraceServer.start({
      workers: 0,
      environment: { RATE_LIMIT: '0', COMPILE_LIMIT: '0' },
    });
    // All the while somebody else asks how the server is, in a process that has nothing else to do.
    watcher = spawn(process.execPath, ['-e', watching, `${server.baseUrl}/api/health/live`]);
    watcher.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) slowest = Math.max(slowest, Number(line));
    });
  });

  afterAll(async () => {
    watcher.kill();
    await server.stop();
  });

  const validate = async (yaml: string): Promise<Response> =>
    server.fetch('POST', validatePath, { yaml_content: yaml });

  it.each(attacks)('as JSON: %s', async (_name, yaml, codes) => {
    const answer = await validate(yaml);
    const body = (await answer.json()) as { valid?: boolean; problems?: { code: string }[] };
    // Too complex to be read in time and memory is an answer too.
    if (answer.status === 422) {
      expect(codes.length).toBeGreaterThan(0);
      expect(body).toMatchObject({ error: 'UnprocessableError' });
      return;
    }
    expect(answer.status).toBe(200);
    const told = (body.problems ?? []).map(({ code }) => code);
    expect({ told, valid: body.valid, some: codes.some((code) => told.includes(code)) }).toEqual({
      told: expect.any(Array),
      valid: codes.length === 0,
      some: codes.length > 0,
    });
    expect(slowest).toBeLessThan(healthMs);
  });

  it.each([
    ['2 MiB of unique keys', lines(220_000, (n) => `k${n}: 1`), 422],
    ['more than 10 MiB', 'x'.repeat(10 * MiB), 413],
    ['half a character', 'name: "\ud800"\n', 400],
  ])('refuses %s', async (_name, yaml, status) => {
    expect((await validate(yaml)).status).toBe(status);
  });

  it.each([
    ['lists 1,000,000 deep', '['.repeat(1_000_000), 400],
    ['objects 100,000 deep', '{"yaml_content":'.repeat(100_000), 400],
    ['millions of values', `{"yaml_content":[${'0,'.repeat(4_000_000)}0]}`, 400],
    ['a million keys', `{${lines(600_000, (n) => `"k${n}":0,`)}"x":0}`, 400],
    ['a number of 9,000,000 digits', `{"yaml_content":${'9'.repeat(9_000_000)}}`, 400],
    ['__proto__', '{"__proto__":{"yaml_content":"name: x"}}', 400],
    ['an operator', '{"yaml_content":{"$ne":""}}', 400],
  ])('refuses JSON around it: %s', async (_name, json, status) => {
    const headers = { ...bearer, 'content-type': 'application/json' };
    const answer = await fetch(`${server.baseUrl}${validatePath}`, {
      method: 'POST',
      headers,
      body: json,
    });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: 'ValidationError' });
    expect(({} as { yaml_content?: string }).yaml_content).toBeUndefined();
  });

  describe('uploads', () => {
    const part = (
      content: string | Buffer,
      disposition = 'form-data; name="pipeline"; filename="p.yaml"',
      type = 'application/yaml',
    ): Buffer =>
      Buffer.concat([
        Buffer.from(`--b\r\nContent-Disposition: ${disposition}\r\nContent-Type: ${type}\r\n\r\n`),
        Buffer.from(content),
        Buffer.from('\r\n'),
      ]);
    const end = Buffer.from('--b--\r\n');
    const upload = async (
      body: readonly Buffer[],
      type = 'multipart/form-data; boundary=b',
    ): Promise<Response> =>
      fetch(`${server.baseUrl}/api/ci/pipelines/upload`, {
        method: 'POST',
        headers: { ...bearer, 'content-type': type },
        body: new Uint8Array(Buffer.concat(body)),
      });
    const named = (name: string): string => `form-data; name="pipeline"; filename="${name}"`;

    it('take an honest file, whatever path its name has', async () => {
      for (const name of [
        'p.yaml',
        '../../etc/passwd.yaml',
        '/etc/cron.d/x.yml',
        'C:\\\\a\\\\p.YAML',
      ]) {
        expect((await upload([part(honest, named(name)), end])).status).toBe(201);
      }
    });

    it.each([
      ['no boundary', [part(honest), end], 'multipart/form-data', 400],
      ['another boundary', [part(honest), end], 'multipart/form-data; boundary=other', 400],
      [
        'a boundary of 10,000 characters',
        [part(honest), end],
        `multipart/form-data; boundary=${'b'.repeat(10_000)}`,
        400,
      ],
      ['no end', [part(honest)], undefined, 400],
      ['nothing', [], undefined, 400],
      ['only an end', [end], undefined, 400],
      [
        'two files',
        [part(honest), part(honest, 'form-data; name="file"; filename="q.yaml"'), end],
        undefined,
        400,
      ],
      [
        '1,000 parts',
        [...Array<Buffer>(1_000).fill(part('x', 'form-data; name="a"', 'text/plain')), end],
        undefined,
        400,
      ],
      ['1,000 files', [...Array<Buffer>(1_000).fill(part(honest)), end], undefined, 400],
      [
        'a header of 10,000 bytes',
        [part(honest, `${named('p.yaml')}; x="${'y'.repeat(10_000)}"`), end],
        undefined,
        [201, 400],
      ],
      [
        'a header of 1,000,000 bytes',
        [part(honest, `${named('p.yaml')}; x="${'y'.repeat(1_000_000)}"`), end],
        undefined,
        400,
      ],
      [
        'a field __proto__',
        [part('x', 'form-data; name="__proto__"', 'text/plain'), end],
        undefined,
        400,
      ],
      [
        'fields within __proto__',
        [part('x', 'form-data; name="__proto__[admin]"', 'text/plain'), part(honest), end],
        undefined,
        [201, 400],
      ],
      [
        'a file __proto__',
        [part(honest, 'form-data; name="__proto__"; filename="p.yaml"'), end],
        undefined,
        400,
      ],
      ['a name that is no YAML', [part(honest, named('p.exe')), end], undefined, 415],
      ['a name with NUL', [part(honest, named('p.exe\0.yaml')), end], undefined, [201, 400, 415]],
      ['another type', [part(honest, named('p.yaml'), 'image/png'), end], undefined, 415],
      ['UTF-16', [part(Buffer.from(`\ufeff${honest}`, 'utf16le')), end], undefined, 415],
      [
        'bytes that are no UTF-8',
        [part(Buffer.from('name: \xff\xfe\xc0\x80', 'latin1')), end],
        undefined,
        415,
      ],
      [
        'an encoded surrogate',
        [part(Buffer.from('name: \xed\xa0\x80', 'latin1')), end],
        undefined,
        415,
      ],
      ['NUL', [part('name: "a\0b"\n'), end], undefined, 400],
      ['2 MiB of unique keys', [part(lines(220_000, (n) => `k${n}: 1`)), end], undefined, 422],
      ['10 MiB and a byte', [part(Buffer.alloc(10 * MiB + 1, 'a')), end], undefined, 413],
      ['lists 10,000 deep', [part('['.repeat(10_000)), end], undefined, 400],
      ['an alias bomb', [part(laughs), end], undefined, [400, 422]],
      [
        'parts within parts',
        [
          part('--c\r\n\r\n--c--', 'form-data; name="pipeline"', 'multipart/mixed; boundary=c'),
          end,
        ],
        undefined,
        400,
      ],
    ] as const)('with %s', async (_name, body, type, status) => {
      const answer = await upload(body, type);
      expect([status].flat()).toContain(answer.status);
      if (answer.status !== 201) {
        const { suggestions } = (await answer.json()) as { suggestions: string[] };
        expect(suggestions.length).toBeGreaterThan(0);
      }
      expect(slowest).toBeLessThan(healthMs);
    });

    const head = (length: string): string =>
      `POST /api/ci/pipelines/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: multipart/form-data; boundary=b\r\n${length}\r\n\r\n`;

    it('count real bytes, whatever was announced', async () => {
      const chunk = Buffer.concat([
        Buffer.from('100000\r\n'),
        Buffer.alloc(MiB, 'a'),
        Buffer.from('\r\n'),
      ]);
      const first = part('').subarray(0, -2);
      const answer = await rawRequest(server.baseUrl, [
        head('Transfer-Encoding: chunked'),
        `${first.length.toString(16)}\r\n`,
        first,
        '\r\n',
        ...Array<Buffer>(12).fill(chunk),
      ]);
      expect(answer.text).toMatch(/^HTTP\/1\.1 413 /);
      const announced = await rawRequest(server.baseUrl, [
        head(`Content-Length: ${100 * MiB}`),
        first,
      ]);
      expect(announced.text).toMatch(/^HTTP\/1\.1 413 /);
    });

    it('that are given up leave nothing', async () => {
      const before = await server.call<{ items: unknown[] }>('GET', '/api/ci/pipelines?limit=200');
      const give = (): Promise<unknown> =>
        rawRequest(server.baseUrl, [head('Content-Length: 5000'), part(honest)], {
          timeoutMs: 100,
        });
      await Promise.all(Array.from({ length: 50 }, give));
      const after = await server.call<{ items: unknown[] }>('GET', '/api/ci/pipelines?limit=200');
      expect(after.items).toHaveLength(before.items.length);
    });
  });

  it('any bytes at all are an answer below 500', async () => {
    const fragments = fc.constantFrom(
      'name: ',
      'steps:\n',
      '- ',
      '{',
      '[',
      '&a ',
      '*a',
      '!!x ',
      '"',
      "'",
      '|\n',
      '\n',
      '  ',
      ': ',
      '#',
      '---\n',
      '${{ ',
      '}}',
      '<<: ',
      '? ',
      '%YAML ',
      '\u2028',
      '\ufeff',
      '\0',
      'run: a\n',
    );
    const soup = fc
      .array(fragments, { maxLength: 60 })
      .map((parts) => JSON.stringify({ yaml_content: parts.join('') }));
    const body = fc.oneof(
      soup.map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
      fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
      fc
        .string({ unit: 'binary', maxLength: 300 })
        .map((text) => Buffer.from(JSON.stringify({ yaml_content: text }))),
    );
    const type = fc.oneof(
      { weight: 6, arbitrary: fc.constant('application/json') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'text/plain',
          'application/json; charset=utf-16',
          'multipart/form-data; boundary=b',
          '',
        ),
      },
    );
    await fc.assert(
      fc.asyncProperty(body, type, async (bytes, contentType) => {
        const answer = await fetch(`${server.baseUrl}${validatePath}`, {
          method: 'POST',
          headers: { ...bearer, ...(contentType === '' ? {} : { 'content-type': contentType }) },
          body: new Uint8Array(bytes),
        });
        await answer.arrayBuffer();
        expect([200, 400, 413, 415, 422]).toContain(answer.status);
      }),
      { numRuns: 300 },
    );
  });

  it('a hundred hostile uploads at once keep no honest one out and take no more memory than they may', async () => {
    const hostile = [
      lines(30_000, (n) => `k${n}: {a: [1, 2, 3]}`),
      `name: x\nsteps:\n${lines(10_000, (n) => `  - run: "\${{ env.A${n} }}"`)}`,
      `name: x\nsteps:\n  - run: "${'${{ env.A }}'.repeat(70_000)}"\n`,
      laughs.repeat(3),
    ];
    const pid = server.api?.pid ?? 0;
    const before = residentOf(pid);
    const flood = Promise.all(
      Array.from({ length: 100 }, async (_each, n) => {
        const answer = await validate(hostile[n % hostile.length] ?? '');
        await answer.arrayBuffer();
        return answer.status;
      }),
    );
    const times: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      const started = performance.now();
      const answer = await server.fetch('POST', '/api/ci/pipelines', { yaml_content: honest });
      times.push(performance.now() - started);
      expect(answer.status).toBe(201);
    }
    const statuses = await flood;
    for (const status of statuses) expect([200, 422, 503]).toContain(status);
    const grown = (residentOf(pid) - before) / MIB;
    process.stderr.write(
      `untrusted YAML: honest uploads among 100 hostile ones: ${times.map((ms) => ms.toFixed(0)).join(' ')} ms; ` +
        `the API grew by ${grown.toFixed(0)} MiB\n`,
    );
    expect(grown).toBeLessThan(400);
  });

  it('health answered all the while, and no file is left', () => {
    process.stderr.write(
      `untrusted YAML: the slowest health answer took ${slowest.toFixed(0)} ms\n`,
    );
    expect(slowest).toBeGreaterThan(0);
    expect(slowest).toBeLessThan(healthMs);
    const left = readdirSync(tmpdir()).filter((name) => !filesBefore.has(name));
    expect(left.filter((name) => /upload|multer|\.ya?ml$|^[0-9a-f]{32}$/.test(name))).toEqual([]);
    expect(server.api?.output()).not.toMatch(/"status":50[0-24-9]|"level":"fatal"/);
  });
});
