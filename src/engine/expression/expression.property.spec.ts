import { ownTime } from '../../../test/support/own-time.js';
import fc from 'fast-check';
import { evaluateExpression } from './expression-evaluator.js';
import { parseExpression } from './expression-parser.js';
import { expressionReferences } from './expression-references.js';
import { testScope } from './scope.fixture.js';
import { parseTemplate, renderTemplate } from './template.js';

const word = fc.constantFrom(
  ...[
    "'a'",
    '"b\\n"',
    '1',
    '-2.5',
    'true',
    'null',
    'trigger',
    'trigger.branch',
    'env',
    'env.NODE_ENV',
  ],
  ...[
    'steps',
    "steps['unit (20)'].status",
    'stages.build',
    '.status',
    '[0]',
    "['x']",
    '[',
    ']',
    '(',
    ')',
  ],
  ...[
    'contains(',
    'format(',
    "matches('a', ",
    'failure()',
    'toJSON(',
    'join(',
    'hashFiles(',
    ',',
    '.',
    '!',
  ],
  ...[
    '==',
    '!=',
    '<',
    '>=',
    '&&',
    '||',
    ' in ',
    '__proto__',
    'constructor',
    '}}',
    '${{',
    "'",
    '"',
    '\\',
  ],
);
const soup = fc.array(fc.oneof({ weight: 9, arbitrary: word }, fc.string({ maxLength: 3 })), {
  maxLength: 60,
});
const valid: fc.Memo<string> = fc.memo((depth) =>
  depth <= 1 ? leaf : fc.oneof(leaf, pair(depth), wrapped(depth)),
);
const leaf = fc.constantFrom(
  ...[
    "'x'",
    '3',
    'null',
    'false',
    'trigger.branch',
    'env.A',
    'steps.compile.outputs.version',
    'always()',
  ],
);
const pair = (depth: number) =>
  fc
    .tuple(valid(depth - 1), fc.constantFrom('==', '!=', '<', '&&', '||', 'in'), valid(depth - 1))
    .map(([left, operator, right]) => `(${left}) ${operator} (${right})`);
const wrapped = (depth: number) =>
  fc
    .tuple(
      fc.constantFrom('!(@)', 'toJSON(@)', '[@, 1][0]', "format('{0}', @)", 'join([@])'),
      valid(depth - 1),
    )
    .map(([form, inner]) => form.replace('@', () => inner));

describe('any text as an expression', () => {
  it('never throws and tells a problem inside the text, or evaluates to JSON', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          soup.map((parts) => parts.join('')),
          fc.string(),
        ),
        (text) => {
          const parsed = parseExpression(text);
          if (!parsed.ok) {
            expect(parsed.problems.length).toBeGreaterThan(0);
            for (const { offset } of parsed.problems) {
              expect(offset).toBeGreaterThanOrEqual(0);
              expect(offset).toBeLessThanOrEqual(text.length);
            }
            return;
          }
          expressionReferences(parsed.expression);
          const result = evaluateExpression(parsed.expression, testScope());
          expect(() => JSON.stringify(result)).not.toThrow();
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('parses everything that the grammar makes, the same whether kept or fresh', () => {
    fc.assert(
      fc.property(valid(5), (text) => {
        const parsed = parseExpression(text);
        expect(parsed.ok).toBe(true);
        if (!parsed.ok) return;
        const first = evaluateExpression(parsed.expression, testScope());
        const spaced = parseExpression(` ${text} `);
        const second = spaced.ok ? evaluateExpression(spaced.expression, testScope()) : undefined;
        expect(second?.value).toEqual(first.value);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws for templates, and keeps text without expressions as it is', () => {
    fc.assert(
      fc.property(soup, (words) => {
        const text = words.join('');
        const parsed = parseTemplate(text);
        if (!parsed.ok) return;
        const rendered = renderTemplate(parsed.template, testScope());
        if (!text.includes('${{')) expect(rendered).toEqual({ ok: true, text });
      }),
      { numRuns: 1000 },
    );
  });

  it('ends quickly for the worst that the limits allow', () => {
    const texts = [
      '('.repeat(8000),
      '!'.repeat(8000),
      Array.from({ length: 490 }, () => 'env.A').join('&&'),
      'env' + '.a'.repeat(400),
      "matches('" + 'a'.repeat(3000) + "', '(a?){300}a{300}b')",
      '[' + '1,'.repeat(900) + '1]',
      '${{ '.repeat(2000),
    ];
    const took = ownTime(() => {
      for (const text of texts) {
        const parsed = parseExpression(text);
        if (parsed.ok) evaluateExpression(parsed.expression, testScope());
        parseTemplate('${{' + text);
      }
    });
    expect(took).toBeLessThan(5_000);
  });
});
