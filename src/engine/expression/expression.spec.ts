import type { ExpressionValue } from './expression.js';
import { evaluateExpression } from './expression-evaluator.js';
import { parseExpression } from './expression-parser.js';
import { expressionReferences } from './expression-references.js';
import { testScope } from './scope.fixture.js';
import type { Scope } from './scope.js';

function evaluate(text: string, scope: Scope = testScope()): ExpressionValue {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${JSON.stringify(parsed.problems)}`);
  const result = evaluateExpression(parsed.expression, scope);
  expect(result.problems).toEqual([]);
  return result.value;
}

function problemOf(text: string): { code: string; offset: number; suggestion?: string } {
  const parsed = parseExpression(text);
  if (parsed.ok) throw new Error(`${text} has no problem`);
  const [problem] = parsed.problems;
  if (problem === undefined) throw new Error('no problem told');
  return { code: problem.code, offset: problem.offset, suggestion: problem.suggestion };
}

describe('the values of expressions', () => {
  const cases: [string, ExpressionValue][] = [
    ["'a''b'", "a'b"],
    ['"a\\n\\"b"', 'a\n"b'],
    ['-1.5', -1.5],
    ['1e2', 100],
    ['null', null],
    ["[1, 'b', true]", [1, 'b', true]],
    ['[]', []],
    ["['a', 'b'][1]", 'b'],
    ["['a', 'b'][7]", null],
    ['trigger.branch', 'main'],
    ["trigger['branch']", 'main'],
    ['trigger.missing', null],
    ['trigger.missing.deeper[3].still', null],
    ['trigger.branch.length', null],
    ['env.MISSING', null],
    ['inputs.count', 3],
    ['matrix.node', '20'],
    ['pipeline.name', 'shop'],
    ['steps.compile.outputs.version', '1.2'],
    ["steps['unit (20)'].status", 'failed'],
    ['steps.compile.status', 'success'],
    ['steps.nope.outputs.x', null],
    ['stages.build.status', 'success'],
    ['stages.build.steps.compile.outputs.version', '1.2'],
    ['stages.nope.status', null],
    ["stages.build.steps['compile'].exit_code", 0],
    ['env[matrix.variable]', 'test'],
    ["trigger.branch == 'main'", true],
    ["trigger.branch != 'main'", false],
    ["'Main' == 'main'", false],
    ["'20' == 20", true],
    ["'x' == 20", false],
    ["'true' == true", true],
    ["trigger.tag == ''", true],
    ['trigger.tag == null', true],
    ["null == 'a'", false],
    ['[1] == [1]', false],
    ['inputs.count > 2', true],
    ["'10' > 9", true],
    ["'10' < '9'", true],
    ['null < 1', false],
    ['2 >= 2 && 2 <= 2', true],
    ["inputs.nothing || 'default'", 'default'],
    ["'a' && 'b'", 'b'],
    ["!''", true],
    ['!!1', true],
    ["!'false'", false],
    ["'push' in ['push', 'tag']", true],
    ["'x' in ['push']", false],
    ["'branch' in trigger", true],
    ["'ai' in 'main'", true],
    ["'a' in null", false],
    ['true || false && false', true],
    ['(true || false) && false', false],
    ["contains('abc', 'b')", true],
    ["contains(['20', '22'], 20)", true],
    ["contains(null, '')", false],
    ["startsWith(trigger.branch, 'ma')", true],
    ["endsWith(trigger.branch, 'in')", true],
    ["matches('release/1.2', '^release/\\d+\\.\\d+$')", true],
    ["matches('xabcx', 'abc')", true],
    ["format('{0}-{1} {{}}', 'a', 2)", 'a-2 {}'],
    ["join(['a', 1, true])", 'a,1,true'],
    ["join(['a', 'b'], ' + ')", 'a + b'],
    ["join('a')", 'a'],
    ["toJSON(['a', 1])", '["a",1]'],
    ['success()', true],
    ['failure()', false],
    ['always()', true],
    ['cancelled()', false],
    ["hashFiles('a', 'b')", 'hash of a,b'],
    ['env.A-B', 'dash'],
  ];
  it.each(cases)('%s', (text, value) => {
    expect(evaluate(text)).toEqual(value);
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'has no way to %s',
    (name) => {
      expect(evaluate(`env.${name}`)).toBeNull();
      expect(evaluate(`env['${name}']`)).toBeNull();
      expect(evaluate(`env.${name}.${name}`)).toBeNull();
    },
  );

  it('does not read inherited properties or methods of an instance', () => {
    class Trigger {
      branch = 'main';
      secret(): string {
        return 'x';
      }
    }
    const scope = { ...testScope(), trigger: new Trigger() };
    expect(evaluate('trigger.secret', scope)).toBeNull();
    expect(evaluate('trigger.branch', scope)).toBe('main');
  });
});

describe('problems of expressions', () => {
  const cases: [string, string, number, string?][] = [
    ['', 'empty_expression', 0],
    ['  ', 'empty_expression', 0],
    ["'open", 'unclosed_string', 0, "'"],
    ['"a\\q"', 'unexpected_character', 2],
    ["trigger.branch = 'main'", 'unexpected_character', 15, '=='],
    ['a & b', 'unexpected_character', 2, '&&'],
    ['$x', 'unexpected_character', 0],
    ['tirgger.branch', 'unknown_name', 0, 'trigger'],
    ['trigger.branch == main', 'unknown_name', 18, "'main'"],
    ['failure', 'unknown_name', 0, 'failure()'],
    ["branch == 'main'", 'unknown_name', 0, 'trigger.branch'],
    ['faliure()', 'unknown_function', 0, 'failure'],
    ['startswith(1, 2)', 'unknown_function', 0, 'startsWith'],
    ['eval()', 'unknown_function', 0, 'Functions:'],
    ['toString()', 'unknown_function', 0],
    ["contains('a')", 'wrong_argument_count', 0, 'contains('],
    ['success(1)', 'wrong_argument_count', 0],
    ['hashFiles()', 'wrong_argument_count', 0],
    ["matches(env.A, '(?=a)')", 'invalid_pattern', 15, 'lookaround'],
    ["matches(env.A, '[')", 'invalid_pattern', 15],
    ["matches(env.A, '(a{1,200}){1,5}')", 'invalid_pattern', 15, 'smaller counts'],
    ["matches(env.A, 'a{1,1000}')", 'invalid_pattern', 15, 'smaller counts'],
    ['1 < 2 < 3', 'chained_comparison', 6, '&&'],
    ['steps', 'name_expected', 0, 'steps.<name>'],
    ['toJSON(stages)', 'name_expected', 7],
    ['true and false', 'unexpected_token', 5, '&&'],
    ['not true', 'unknown_name', 0, '!'],
    ['(true', 'unexpected_token', 5, ')'],
    ['true)', 'unexpected_token', 4],
    ['[1, ', 'unexpected_token', 4],
    ['env.', 'unexpected_token', 4],
    ['env.1', 'unexpected_token', 4],
    ['&& true', 'unexpected_token', 0],
    ['!'.repeat(100) + 'true', 'expression_too_complex', 65],
    ['('.repeat(100) + '1' + ')'.repeat(100), 'expression_too_complex', 65],
    [Array.from({ length: 900 }, () => '1').join('&&'), 'expression_too_complex', 0],
    ['1'.repeat(9000), 'expression_too_long', 0],
  ];
  const named = cases.map(([text, code, offset, suggestion = '']) => {
    return { name: text.slice(0, 40), text, code, offset, suggestion };
  });
  it.each(named)('$code: $name', ({ text, code, offset, suggestion }) => {
    const problem = problemOf(text);
    expect(problem.code).toBe(code);
    expect(problem.offset).toBe(offset);
    if (suggestion !== '') expect(problem.suggestion).toContain(suggestion);
  });

  it('tells all of them at once where the syntax allows it', () => {
    const parsed = parseExpression("branch == 'a' && faliure() && contains('a')");
    const codes = parsed.ok ? [] : parsed.problems.map((problem) => problem.code);
    expect(codes).toEqual(['unknown_name', 'unknown_function', 'wrong_argument_count']);
  });
});

describe('problems of evaluation', () => {
  const run = (text: string, scope: Scope = testScope()) => {
    const parsed = parseExpression(text);
    if (!parsed.ok) throw new Error('does not parse');
    return evaluateExpression(parsed.expression, scope);
  };

  it('tells a bad pattern from a variable', () => {
    const result = run("matches('a', env.BAD_PATTERN)");
    expect(result.value).toBeNull();
    expect(result.problems).toMatchObject([{ code: 'invalid_pattern', offset: 0 }]);
  });

  it('tells an ambiguous step and how to write it', () => {
    const result = run("steps.lint.status == 'success'");
    expect(result.problems).toMatchObject([
      { code: 'ambiguous_step', suggestion: expect.stringContaining('stages.a.steps') },
    ]);
  });

  it('bounds what it makes', () => {
    const scope = { ...testScope(), env: { BIG: 'x'.repeat(400_000) } };
    const result = run("format('{0}{0}{0}{0}', env.BIG)", scope);
    expect(result.problems).toMatchObject([{ code: 'value_too_large' }]);
    const thrice = run('join([toJSON(env.BIG), toJSON(env.BIG), toJSON(env.BIG)])', scope);
    expect(thrice.problems[0]).toMatchObject({ code: 'value_too_large' });
    expect(run("matches(env.BIG, 'x')", scope).problems).toMatchObject([
      { code: 'value_too_large' },
    ]);
  });

  it('ignores the problems of a side that does not matter, and never hashes for it', () => {
    const hashFiles = jest.fn(() => 'x');
    const scope = { ...testScope(), hashFiles };
    expect(run("false && matches('a', env.BAD_PATTERN)", scope)).toMatchObject({
      value: false,
      problems: [],
    });
    expect(run("false && hashFiles('a') == 'x'", scope).value).toBe(false);
    expect(hashFiles).not.toHaveBeenCalled();
    expect(run("true && hashFiles('a') == 'x'", scope).value).toBe(true);
  });

  it('tells when files cannot be hashed', () => {
    const without = { ...testScope(), hashFiles: undefined };
    expect(run("hashFiles('a')", without).problems).toMatchObject([{ code: 'hash_files_failed' }]);
    const broken = {
      ...testScope(),
      hashFiles: () => {
        throw new Error('no disk');
      },
    };
    expect(run("hashFiles('a')", broken).problems[0]?.message).toContain('no disk');
  });
});

describe('the trace', () => {
  const parts = (text: string) => {
    const parsed = parseExpression(text);
    if (!parsed.ok) throw new Error('does not parse');
    return evaluateExpression(parsed.expression, testScope()).parts;
  };

  it('holds the value of every part, also of a side that did not decide', () => {
    expect(parts("trigger.event in ['tag'] && !contains(trigger.message, '[no-lint]')")).toEqual([
      { text: 'trigger.event', value: 'push' },
      { text: "trigger.event in ['tag']", value: false },
      { text: 'trigger.message', value: 'fix [no-lint]' },
      { text: "contains(trigger.message, '[no-lint]')", value: true },
      { text: "!contains(trigger.message, '[no-lint]')", value: false },
    ]);
  });

  it('has the whole as its only part when there is no other, and each text once', () => {
    expect(parts('failure()')).toEqual([{ text: 'failure()', value: false }]);
    expect(parts("env.A == '1' || env.A == '2'").map((part) => part.text)).toEqual([
      'env.A',
      "env.A == '1'",
      "env.A == '2'",
    ]);
  });
});

describe('references', () => {
  it('finds roots, paths and status functions', () => {
    const parsed = parseExpression(
      "failure() && steps['unit (20)'].outputs.x == env[matrix.os] && !cancelled()",
    );
    if (!parsed.ok) throw new Error('does not parse');
    const found = expressionReferences(parsed.expression);
    expect(found.references).toEqual([
      { root: 'steps', path: ['unit (20)', 'outputs', 'x'], open: false, offset: 13 },
      { root: 'matrix', path: ['os'], open: false, offset: 49 },
      { root: 'env', path: [], open: true, offset: 45 },
    ]);
    expect([...found.statusFunctions].sort()).toEqual(['cancelled', 'failure']);
  });
});
