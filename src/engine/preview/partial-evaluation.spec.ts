import fc from 'fast-check';
import { evaluateExpression } from '../expression/expression-evaluator.js';
import type { Expression, ExpressionValue } from '../expression/expression.js';
import { parseExpression } from '../expression/expression-parser.js';
import { isTruthy } from '../expression/expression-values.js';
import type { Scope } from '../expression/scope.js';
import { evaluatePartially, type PartialResult } from './partial-evaluation.js';

function parsed(text: string): Expression {
  const parse = parseExpression(text);
  if (!parse.ok) throw new Error(JSON.stringify(parse.problems));
  return parse.expression;
}

/** A scope in which the outputs of the step `u` are these. */
function scopeWith(outputs: Readonly<Record<string, string>>, failed = false): Scope {
  return {
    trigger: { event: 'push', branch: 'main' },
    env: { A: 'a', EMPTY: '' },
    inputs: { yes: true, no: false, n: 3 },
    matrix: {},
    pipeline: { id: 'p', name: 'shop' },
    steps: () => ({ kind: 'found', step: { status: 'success', outputs } }),
    stages: () => undefined,
    status: {
      success: () => !failed,
      failure: () => failed,
      always: () => true,
      cancelled: () => false,
    },
  };
}

function look(text: string): PartialResult {
  return evaluatePartially(parsed(text), {
    scope: scopeWith({}),
    knows: ({ root, path }) => root !== 'steps' && path[0] !== 'message',
    knowsStatus: false,
  });
}

describe('partial evaluation', () => {
  it.each<[string, ExpressionValue | undefined]>([
    ["trigger.branch == 'main'", true],
    ['steps.u.outputs.v', undefined],
    ["steps.u.outputs.v == 'x'", undefined],
    ['inputs.no && steps.u.outputs.v', false],
    ['steps.u.outputs.v && inputs.no', false],
    ['inputs.yes && steps.u.outputs.v', undefined],
    ['inputs.yes || steps.u.outputs.v', true],
    ['steps.u.outputs.v || inputs.yes', true],
    ['!(steps.u.outputs.v && inputs.no)', true],
    ['!steps.u.outputs.v', undefined],
    ['failure()', undefined],
    ['always()', true],
    ['failure() || always()', true],
    ['success() && inputs.no', false],
    ["contains(steps.u.outputs.v, 'x')", undefined],
    ["contains(['a', steps.u.outputs.v], 'x')", undefined],
    ["trigger.message == ''", undefined],
    ["trigger.message == '' && env.EMPTY", false],
    ["steps['u'].outputs[trigger.branch] && inputs.no", false],
  ])('%s', (text, value) => {
    const { look: answer, problems } = look(text);
    expect(problems).toEqual([]);
    expect(answer).toEqual(value === undefined ? { known: false } : { known: true, value });
  });

  it('tells the parts that are known beside those that are not, and what is unknown', () => {
    const { parts, unknown } = look('env.A == steps.u.outputs.v && failure() && inputs.n > 2');
    expect(Object.fromEntries(parts.map((part) => [part.text, part.look]))).toEqual({
      'env.A': { known: true, value: 'a' },
      'steps.u.outputs.v': { known: false },
      'env.A == steps.u.outputs.v': { known: false },
      'failure()': { known: false },
      'env.A == steps.u.outputs.v && failure()': { known: false },
      'inputs.n': { known: true, value: 3 },
      'inputs.n > 2': { known: true, value: true },
    });
    expect(unknown).toEqual(['steps.u.outputs.v', 'failure()']);
  });

  it('fails only for what is evaluated in any case', () => {
    expect(look("matches('a', env.A + '(')".replace(" + '('", '')).problems).toEqual([]);
    expect(look('hashFiles(env.A)').problems).toHaveLength(1);
    expect(look('inputs.no && hashFiles(env.A)').problems).toEqual([]);
    expect(look('inputs.yes && hashFiles(env.A)').problems).toHaveLength(1);
    const unsure = look('steps.u.outputs.v && hashFiles(env.A)');
    expect([unsure.look, unsure.problems]).toEqual([{ known: false }, []]);
  });

  const leaf = fc.constantFrom(
    'inputs.yes',
    'inputs.no',
    'inputs.n',
    'env.EMPTY',
    "trigger.branch == 'main'",
    'steps.u.outputs.v',
    'steps.u.outputs.w',
    "steps.u.outputs.v == 'x'",
    'failure()',
    'success()',
    'always()',
  );
  const { text: anyText } = fc.letrec<{ text: string }>((tie) => ({
    text: fc.oneof(
      { depthSize: 'medium' },
      leaf,
      fc
        .tuple(tie('text'), fc.constantFrom('&&', '||'), tie('text'))
        .map((t) => `(${t.join(' ')})`),
      tie('text').map((text) => `!(${text})`),
      fc.tuple(tie('text'), tie('text')).map(([a, b]) => `((${a}) == (${b}))`),
      tie('text').map((text) => `contains([${text}], 'x')`),
    ),
  }));

  it('what it knows is so, whatever the rest turns out to be', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.record({ v: fc.constantFrom('', 'x', 'y'), w: fc.constantFrom('', 'x') }),
        fc.boolean(),
        (text, outputs, failed) => {
          const partial = look(text);
          const full = evaluateExpression(parsed(text), scopeWith(outputs, failed));
          if (partial.look.known) {
            expect(isTruthy(partial.look.value)).toBe(isTruthy(full.value));
          }
          for (const part of partial.parts.filter((one) => one.look.known)) {
            const same = full.parts.find((one) => one.text === part.text);
            const value = part.look.known ? part.look.value : null;
            if (same) expect(isTruthy(value)).toBe(isTruthy(same.value));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
