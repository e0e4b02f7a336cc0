import fc from 'fast-check';
import { stringify } from 'yaml';
import { compileYaml } from './compile-yaml.js';

const key = fc.constantFrom(
  ...[
    'name',
    'stages',
    'steps',
    'run',
    'script',
    'needs',
    'when',
    'condition',
    'environment',
    'triggers',
  ],
  ...[
    'manual',
    'inputs',
    'push',
    'schedule',
    'cron',
    'step_type',
    'config',
    'command',
    'retry',
    'max',
    'on',
  ],
  ...[
    'timeout',
    'parallel',
    'outputs',
    'repository',
    'url',
    'on_failure',
    'always',
    'x-a',
    'matrix',
    'a',
  ],
  ...['__proto__', 'constructor', 'toString', '<<', 'defaults', 'shell', 'working_directory'],
);
const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    3,
    -1,
    1.5,
    '',
    'a',
    'shell',
    'aws',
    '../x',
    '60m',
    "steps.a.status == 'x'",
  ),
  fc.constantFrom<unknown>(
    '${{ env.A }}',
    '${{ steps.a.outputs.b }}',
    '${{',
    'a\nb',
    '0 3 * * *',
    'always()',
    'A=b',
  ),
  fc.string({ maxLength: 10 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
}));
const soup = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'a: ',
        '- ',
        '\n',
        '  ',
        '[',
        ']',
        '{',
        '}',
        '&a ',
        '*a',
        '!!str ',
        '|\n',
        '"',
        "'",
      ),
      fc.constantFrom(
        '? ',
        ': ',
        '#',
        '---\n',
        '...\n',
        '%YAML 1.1\n',
        '\t',
        '<<: *a',
        'name: x\n',
        ',',
      ),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 50 },
  )
  .map((parts) => parts.join(''));

function check(text: string): void {
  const { plan, problems } = compileYaml(text);
  const errors = problems.filter((problem) => problem.severity === 'error');
  expect(errors.length === 0).toBe(plan !== undefined);
  const lines = text.split('\n');
  for (const { line, column, code, message } of problems) {
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
    expect(code).toMatch(/^([a-z_]+|UnsupportedStepType)$/);
    expect(message).toMatch(/[.!?]$/);
  }
  expect(({} as Record<string, unknown>)['a']).toBeUndefined();
}

describe('compileYaml for any text', () => {
  it('answers a plan or errors with true places, and never throws', () => {
    fc.assert(fc.property(soup, check), { numRuns: 2500 });
  });

  it('does so for any document of known keys', () => {
    const document = fc.dictionary(key, value, { maxKeys: 8, noNullPrototype: true });
    fc.assert(
      fc.property(document, (data) => check(stringify(data))),
      { numRuns: 250 },
    );
  });
});
