/** Any value of an expression: JSON, nothing else. */
export type ExpressionValue =
  | null
  | boolean
  | number
  | string
  | readonly ExpressionValue[]
  | { readonly [name: string]: ExpressionValue };

/** What is wrong with an expression or a template. `code` is stable, `message` is for people. */
export interface ExpressionProblem {
  readonly code: ExpressionProblemCode;
  readonly message: string;
  /** Index of the first character concerned, in UTF-16 units of the text that was given. */
  readonly offset: number;
  /** What to write instead. */
  readonly suggestion?: string;
}

export type ExpressionProblemCode =
  | 'empty_expression'
  | 'expression_too_long'
  | 'expression_too_complex'
  | 'unexpected_character'
  | 'unexpected_token'
  | 'unclosed_string'
  | 'unclosed_expression'
  | 'misplaced_expression'
  | 'unknown_name'
  | 'unknown_function'
  | 'wrong_argument_count'
  | 'name_expected'
  | 'chained_comparison'
  | 'invalid_pattern'
  | 'invalid_format'
  | 'value_too_large'
  | 'ambiguous_step'
  | 'hash_files_failed'
  | 'service_unavailable';

/**
 * Bounds of one expression and of what it makes; with them parsing and evaluation end in a few
 * milliseconds.
 */
export const EXPRESSION_LIMITS = {
  /** Characters of one expression. */
  sourceLength: 8192,
  /** Nested parentheses, brackets, calls and `!`. */
  depth: 64,
  nodes: 1000,
  /** Characters of all texts that one evaluation makes. */
  producedLength: 1_048_576,
  patternLength: 1000,
  /**
   * Instructions of a compiled pattern: `(a{1,1000})` has 2,004, and a thousand characters could
   * make 180,000. For each of them and each character of the text RE2 takes up to 20 ns.
   */
  patternSize: 600,
  /** Characters that all `matches` of one evaluation search together. */
  matchedLength: 65_536,
  /** Parts of a trace. */
  parts: 100,
} as const;

/** The roots that an expression may read. */
export const EXPRESSION_ROOTS = [
  'trigger',
  'env',
  'inputs',
  'matrix',
  'pipeline',
  'steps',
  'stages',
  'services',
] as const;

/** Those that hold something; the matrix comes later. */
export const SUGGESTED_ROOTS = EXPRESSION_ROOTS.filter((root) => root !== 'matrix');

export type ExpressionRoot = (typeof EXPRESSION_ROOTS)[number];

export const STATUS_FUNCTIONS = ['success', 'failure', 'always', 'cancelled'] as const;

export type StatusFunction = (typeof STATUS_FUNCTIONS)[number];

export type BinaryOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | '&&' | '||' | 'in';

interface Span {
  /** Offsets in the source of the expression, `end` exclusive. */
  readonly start: number;
  readonly end: number;
}

export type ExpressionNode = Span &
  (
    | { readonly kind: 'literal'; readonly value: null | boolean | number | string }
    | { readonly kind: 'array'; readonly items: readonly ExpressionNode[] }
    | { readonly kind: 'root'; readonly name: ExpressionRoot }
    | { readonly kind: 'index'; readonly target: ExpressionNode; readonly key: ExpressionNode }
    | { readonly kind: 'call'; readonly name: string; readonly args: readonly ExpressionNode[] }
    | { readonly kind: 'not'; readonly operand: ExpressionNode }
    | {
        readonly kind: 'binary';
        readonly operator: BinaryOperator;
        readonly left: ExpressionNode;
        readonly right: ExpressionNode;
        /** The right side calls `hashFiles`, so it is not evaluated unless it decides. */
        readonly lazyRight: boolean;
      }
  );

/** A parsed expression: immutable, free of any scope, safe to keep and to share. */
export interface Expression {
  /** As it was written. */
  readonly source: string;
  readonly node: ExpressionNode;
}

export type ExpressionParse =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };
