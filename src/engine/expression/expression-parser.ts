import { LRUCache } from 'lru-cache';
import { valueOf } from '../../common/values/name-record.js';
import { quoted } from '../../common/values/redact-urls.js';
import {
  EXPRESSION_LIMITS,
  EXPRESSION_ROOTS,
  SUGGESTED_ROOTS,
  type BinaryOperator,
  type ExpressionNode,
  type ExpressionParse,
  type ExpressionProblem,
  type ExpressionRoot,
} from './expression.js';
import { functionSignature, SUGGESTED_FUNCTIONS, patternProblem } from './expression-functions.js';
import { tokenizeExpression, type Token } from './expression-tokenizer.js';
import { nearestName } from './nearest-name.js';

const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=', 'in']);
const LITERALS: ReadonlyMap<string, null | boolean> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);
/** Names that other systems, and the seed's conditions, write without a root. */
const HABITS: ReadonlyMap<string, string> = new Map([
  ...['event', 'branch', 'commit', 'tag', 'message', 'author', 'actor'].map(
    (name): [string, string] => [name, `trigger.${name}`],
  ),
  ['environment', 'env'],
  ['github', 'trigger'],
  ['input', 'inputs'],
  ['parameters', 'inputs'],
  ['jobs', 'stages'],
  ['needs', 'steps'],
  ['outputs', 'steps.<name>.outputs'],
  ['status', 'steps.<name>.status'],
  ['NULL', 'null'],
  ['None', 'null'],
]);
/** Words of other systems that no name of ours stands for. */
const OTHERWISE: ReadonlyMap<string, string> = new Map([
  ['on_failure', 'Write the step into on_failure: of the pipeline, or when: failure()'],
  ['on_success', 'Leave it out: a step runs after successes, as when: success()'],
  ['never', 'Write when: false, or remove the step'],
  ['manual', 'Write approval at the step, or the trigger - manual'],
]);
const NAMED_ROOTS = new Set<string>(['steps', 'stages', 'services']);

const cache = new LRUCache<string, ExpressionParse>({
  max: 1_000,
  memoMethod: (text) => parseFresh(text),
});

/**
 * Parses one expression, without `${{ }}`. Never throws; linear in the text; the newest 1,000 are
 * kept.
 *
 * Grammar, weakest first: `||`, `&&`, one comparison (`== != < <= > >= in`), `!`, then `.name`,
 * `[index]` and calls. Unknown roots, functions and numbers of arguments are problems here; an
 * unknown property is null when evaluated.
 */
export function parseExpression(text: string): ExpressionParse {
  if (text.length > EXPRESSION_LIMITS.sourceLength) return parseFresh(text);
  return cache.memo(text);
}

function parseFresh(text: string): ExpressionParse {
  const scanned = tokenizeExpression(text);
  if (!scanned.ok) return { ok: false, problems: [scanned.problem] };
  if (scanned.tokens.length === 1) {
    const problem = {
      code: 'empty_expression',
      message: 'The expression is empty.',
      offset: 0,
    } as const;
    return { ok: false, problems: [problem] };
  }
  const parser = new ExpressionParser(text, scanned.tokens);
  const node = parser.parse();
  if (node === undefined) return { ok: false, problems: parser.problems };
  return { ok: true, expression: { source: text, node } };
}

/** Raised inside the parser only: the rest of the text cannot be read. */
class SyntaxStop extends Error {
  constructor(readonly problem: ExpressionProblem) {
    super(problem.message);
  }
}

class ExpressionParser {
  readonly problems: ExpressionProblem[] = [];
  private at = 0;
  private depth = 0;
  private nodes = 0;

  constructor(
    private readonly source: string,
    private readonly tokens: readonly Token[],
  ) {}

  /** The tree, or undefined with at least one problem. */
  parse(): ExpressionNode | undefined {
    try {
      const node = this.or();
      const rest = this.peek();
      if (rest.kind !== 'end')
        this.stop(rest, `Unexpected ${this.describe(rest)}.`, this.hintFor(rest));
      return this.problems.length === 0 ? node : undefined;
    } catch (error) {
      if (!(error instanceof SyntaxStop)) throw error;
      this.problems.push(error.problem);
      return undefined;
    }
  }

  private or(): ExpressionNode {
    let left = this.and();
    while (this.take('||')) left = this.binary('||', left, this.and());
    return left;
  }

  private and(): ExpressionNode {
    let left = this.comparison();
    while (this.take('&&')) left = this.binary('&&', left, this.comparison());
    return left;
  }

  private comparison(): ExpressionNode {
    const left = this.unary();
    if (!this.isComparison(this.peek())) return left;
    const operator = this.next().text as BinaryOperator;
    const node = this.binary(operator, left, this.unary());
    const after = this.peek();
    if (this.isComparison(after)) {
      const hint = 'Join two comparisons by &&, or use parentheses';
      this.fail('chained_comparison', 'Comparisons cannot be chained.', after.start, hint);
    }
    return node;
  }

  private unary(): ExpressionNode {
    const token = this.peek();
    if (!this.take('!')) return this.postfix();
    const operand = this.nested(() => this.unary());
    return this.count({ kind: 'not', operand, start: token.start, end: operand.end });
  }

  private postfix(): ExpressionNode {
    let target = this.primary();
    for (;;) {
      const token = this.peek();
      if (this.take('.')) {
        const name = this.next();
        if (name.kind !== 'name') {
          this.stop(name, 'A name is expected after the dot.', "Write ['…'] for other names");
        }
        const key = this.literal(name.text, name);
        target = this.count({ kind: 'index', target, key, start: target.start, end: name.end });
      } else if (this.take('[')) {
        const key = this.nested(() => this.or());
        const end = this.expect(']', token);
        target = this.count({ kind: 'index', target, key, start: target.start, end });
      } else {
        this.checkNamedRoot(target);
        return target;
      }
    }
  }

  private primary(): ExpressionNode {
    const token = this.next();
    if (token.kind === 'string') return this.literal(token.text, token);
    if (token.kind === 'number') return this.literal(token.value ?? 0, token);
    if (token.kind === 'name') return this.named(token);
    if (token.text === '(' && token.kind === 'symbol') {
      const inner = this.nested(() => this.or());
      const end = this.expect(')', token);
      return { ...inner, start: token.start, end };
    }
    if (token.text === '[' && token.kind === 'symbol') {
      const { items, end } = this.list(']', token);
      return this.count({ kind: 'array', items, start: token.start, end });
    }
    return this.stop(
      token,
      `A value is expected, not ${this.describe(token)}.`,
      this.hintFor(token),
    );
  }

  private named(token: Token): ExpressionNode {
    const opening = this.peek();
    if (this.take('(')) return this.call(token, opening);
    const literal = LITERALS.get(token.text);
    if (literal !== undefined) return this.literal(literal, token);
    if (!(EXPRESSION_ROOTS as readonly string[]).includes(token.text)) this.unknownName(token);
    const { start, end } = token;
    return this.count({ kind: 'root', name: token.text as ExpressionRoot, start, end });
  }

  private call(token: Token, opening: Token): ExpressionNode {
    const { items: args, end } = this.list(')', opening);
    const signature = functionSignature(token.text);
    if (signature === undefined) {
      const near = nearestName(token.text, SUGGESTED_FUNCTIONS);
      const hint =
        near === undefined ? `Functions: ${SUGGESTED_FUNCTIONS.join(', ')}` : `Write ${near}(…)`;
      this.fail('unknown_function', `Unknown function "${token.text}".`, token.start, hint);
    } else if (args.length < signature.min || args.length > signature.max) {
      const message = `${token.text}() does not take ${String(args.length)} argument(s).`;
      const isLater = !SUGGESTED_FUNCTIONS.includes(token.text);
      const hint = isLater ? 'Remove it: it comes later' : `Write ${signature.usage}`;
      this.fail('wrong_argument_count', message, token.start, hint);
    } else if (token.text === 'matches') {
      this.checkPattern(args[1]);
    }
    return this.count({ kind: 'call', name: token.text, args, start: token.start, end });
  }

  private list(close: ')' | ']', opening: Token): { items: ExpressionNode[]; end: number } {
    const items: ExpressionNode[] = [];
    const first = this.peek();
    if (this.take(close)) return { items, end: first.end };
    for (;;) {
      items.push(this.nested(() => this.or()));
      if (this.take(',')) continue;
      return { items, end: this.expect(close, opening) };
    }
  }

  private checkPattern(pattern: ExpressionNode | undefined): void {
    if (pattern?.kind !== 'literal' || typeof pattern.value !== 'string') return;
    const problem = patternProblem(pattern.value);
    if (problem !== undefined) this.problems.push({ ...problem, offset: pattern.start });
  }

  private checkNamedRoot(node: ExpressionNode): void {
    if (node.kind !== 'root' || !NAMED_ROOTS.has(node.name)) return;
    const value = node.name === 'services' ? 'url' : 'status';
    const hint = `Write ${node.name}.<name>.${value} or ${node.name}['a name'].${value}`;
    this.fail('name_expected', `"${node.name}" needs a name.`, node.start, hint);
  }

  private unknownName(token: Token): void {
    const near =
      HABITS.get(token.text) ?? nearestName(token.text, [...SUGGESTED_ROOTS, ...LITERALS.keys()]);
    const isFunction = SUGGESTED_FUNCTIONS.includes(token.text);
    const hint = isFunction
      ? `Write ${token.text}()`
      : near === undefined
        ? `Write '${token.text}' for a text; names begin with ${SUGGESTED_ROOTS.join(', ')}`
        : `Write ${near}`;
    this.fail(
      'unknown_name',
      `Unknown name "${token.text}".`,
      token.start,
      this.hintFor(token) ?? this.secretHint(token) ?? OTHERWISE.get(token.text) ?? hint,
    );
  }

  /** A secret is no value of expressions: whoever reads a plan would read it. */
  private secretHint(token: Token): string | undefined {
    if (token.text !== 'secrets') return undefined;
    const name = this.tokens[this.at + 1];
    const isNamed = this.peek().text === '.' && name?.kind === 'name';
    const shown = isNamed ? quoted(name.text, 60) : 'NAME';
    return `Write secrets: [${shown}] at the step, and read the variable $${shown} in run`;
  }

  private binary(
    operator: BinaryOperator,
    left: ExpressionNode,
    right: ExpressionNode,
  ): ExpressionNode {
    const { start } = left;
    const { end } = right;
    const lazyRight = this.source.slice(right.start, end).includes('hashFiles');
    return this.count({ kind: 'binary', operator, left, right, lazyRight, start, end });
  }

  private literal(value: null | boolean | number | string, token: Token): ExpressionNode {
    return this.count({ kind: 'literal', value, start: token.start, end: token.end });
  }

  private count(node: ExpressionNode): ExpressionNode {
    this.nodes += 1;
    if (this.nodes > EXPRESSION_LIMITS.nodes) this.tooComplex(node.start);
    return node;
  }

  private nested(parse: () => ExpressionNode): ExpressionNode {
    this.depth += 1;
    if (this.depth > EXPRESSION_LIMITS.depth) this.tooComplex(this.peek().start);
    const node = parse();
    this.depth -= 1;
    return node;
  }

  private tooComplex(offset: number): never {
    throw new SyntaxStop({
      code: 'expression_too_complex',
      message: 'The expression is too deep or too long.',
      offset,
      suggestion: 'Compute the decision in a step and read its output',
    });
  }

  private isComparison(token: Token): boolean {
    return (token.kind === 'symbol' || token.kind === 'name') && COMPARISONS.has(token.text);
  }

  private peek(): Token {
    const token = this.tokens[this.at];
    if (token === undefined) throw new Error('The tokens of an expression end with "end".');
    return token;
  }

  private next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.at += 1;
    return token;
  }

  private take(symbol: string): boolean {
    const token = this.peek();
    if (token.kind !== 'symbol' || token.text !== symbol) return false;
    this.at += 1;
    return true;
  }

  private expect(symbol: string, opening: Token): number {
    const token = this.peek();
    if (this.take(symbol)) return token.end;
    const message = `"${opening.text}" is not closed before ${this.describe(token)}.`;
    return this.stop(token, message, this.hintFor(token) ?? `Add "${symbol}"`);
  }

  private fail(
    code: ExpressionProblem['code'],
    message: string,
    offset: number,
    suggestion: string,
  ): void {
    this.problems.push({ code, message, offset, suggestion });
  }

  private stop(token: Token, message: string, suggestion?: string): never {
    const hint = suggestion === undefined ? {} : { suggestion };
    throw new SyntaxStop({ code: 'unexpected_token', message, offset: token.start, ...hint });
  }

  private describe(token: Token): string {
    return token.kind === 'end' ? 'the end' : `"${this.source.slice(token.start, token.end)}"`;
  }

  private hintFor(token: Token): string | undefined {
    if (token.kind !== 'name') return undefined;
    const words: Readonly<Record<string, string>> = { and: '&&', or: '||', not: '!' };
    const word = valueOf(words, token.text);
    return word === undefined ? undefined : `Write ${word}`;
  }
}
