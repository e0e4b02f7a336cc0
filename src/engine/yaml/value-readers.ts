import { quoted } from '../../common/values/redact-urls.js';
import { lineProblem } from '../../common/values/text-rule.js';
import { nearestName } from '../expression/nearest-name.js';
import { DURATION, durationInWords, parseDuration } from './duration.js';
import { either, type JsonSchema, SCALAR_TYPES } from './json-schema.js';
import { lookUp, wrongType, type Reader } from './reader.js';
import type { YamlNode } from './yaml-tree.js';

export interface TextRule {
  /** For messages: `a name`. */
  readonly expects?: string;
  readonly min?: number;
  /** Characters (UTF-16 units). */
  readonly max?: number;
  /**
   * True: it may hold no line break and no tab. Other control characters are in no text at all
   * (`yaml-tree.ts`).
   */
  readonly oneLine?: boolean;
  /** What else is wrong with it. */
  readonly check?: (text: string) => Refusal | undefined;
  /** What every text that `check` takes fits, for the schema. */
  readonly pattern?: RegExp;
}

/** `[code, message, suggestion?]` */
type Refusal = readonly [string, string, string?];

/** The rule of texts that fit a pattern: what is said of one that does not. */
export function fitting(
  pattern: RegExp,
  refusal: (text: string) => Refusal,
): Pick<TextRule, 'check' | 'pattern'> {
  return { pattern, check: (text) => (pattern.test(text) ? undefined : refusal(text)) };
}

/** A pattern that begins with `^`, and what is said of a text that does not fit it. */
export type FittingRule = readonly [RegExp, (text: string) => Refusal];

/** The rule of texts that fit several patterns: the first that they do not fit is told. */
export function fittingEach(rules: readonly FittingRule[]): Pick<TextRule, 'check' | 'pattern'> {
  return {
    pattern: new RegExp(rules.map(([{ source }]) => `(?=${source})`).join(''), 'u'),
    check: (text) => rules.find(([pattern]) => !pattern.test(text))?.[1](text),
  };
}

function textSchema({ min = 1, max = MAX_TEXT, pattern }: TextRule): JsonSchema {
  const shape = pattern?.source ?? (min > 0 ? String.raw`\S` : undefined);
  return {
    type: SCALAR_TYPES,
    ...(max < MAX_TEXT && { maxLength: max }),
    ...(shape !== undefined && { pattern: shape }),
  };
}

const MAX_TEXT = 100_000;

/**
 * A text; numbers and booleans are taken as they are written (`run: true`, `1.10`), nothing is not.
 */
export function text(rule: TextRule = {}): Reader<string> {
  const expects = rule.expects ?? 'a text';
  return {
    expects,
    schema: textSchema(rule),
    read: (node, path, context) => {
      if (node.kind !== 'scalar' || node.value === null)
        return wrongType(node, path, context, expects);
      const value = node.text;
      const at = { path, offset: node.start };
      const { min = 1, max = MAX_TEXT } = rule;
      if (value.trim().length < min) {
        context.error('too_short', `Expected ${expects}, found an empty text.`, at);
        return undefined;
      }
      if (value.length > max) {
        context.error('too_long', `Expected ${expects} of at most ${String(max)} characters.`, at);
        return undefined;
      }
      const character = rule.oneLine === true ? lineProblem(value) : undefined;
      if (character !== undefined) {
        const message = `Expected ${expects} of one line; it holds ${character.what}.`;
        context.error('invalid_character', message, at, 'Remove it');
        return undefined;
      }
      const problem = rule.check?.(value);
      if (problem === undefined) return value;
      context.error(problem[0], problem[1], at, problem[2]);
      return undefined;
    },
  };
}

/** A whole number between two bounds, included. */
export function integer(min: number, max: number): Reader<number> {
  const expects = `a whole number from ${String(min)} to ${String(max)}`;
  return {
    expects,
    schema: { type: 'integer', minimum: min, maximum: max },
    read: (node, path, context) => {
      if (
        node.kind !== 'scalar' ||
        typeof node.value !== 'number' ||
        !Number.isInteger(node.value)
      ) {
        return wrongType(node, path, context, expects);
      }
      if (node.value >= min && node.value <= max) return node.value;
      const message = `Expected ${expects}, found ${quoted(node.text, 40)}.`;
      context.error('out_of_range', message, { path, offset: node.start });
      return undefined;
    },
  };
}

/** A number between two bounds, included. */
export function number(min: number, max: number): Reader<number> {
  const expects = `a number from ${String(min)} to ${String(max)}`;
  return {
    expects,
    schema: { type: 'number', minimum: min, maximum: max },
    read: (node, path, context) => {
      if (node.kind !== 'scalar' || typeof node.value !== 'number') {
        return wrongType(node, path, context, expects);
      }
      if (node.value >= min && node.value <= max) return node.value;
      const message = `Expected ${expects}, found ${quoted(node.text, 40)}.`;
      context.error('out_of_range', message, { path, offset: node.start });
      return undefined;
    },
  };
}

const FLAG_WORDS: Readonly<Record<string, string>> = {
  yes: 'true',
  on: 'true',
  y: 'true',
  true: 'true',
  no: 'false',
  off: 'false',
  n: 'false',
  false: 'false',
};

export function flag(expects = 'true or false'): Reader<boolean> {
  return {
    expects,
    schema: { type: 'boolean' },
    read: (node, path, context) => {
      if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
      const word = node.kind === 'scalar' ? lookUp(FLAG_WORDS, node.text.toLowerCase()) : undefined;
      const hint = word === undefined ? undefined : `Write ${word}, without quotes`;
      return wrongType(node, path, context, expects, hint);
    },
  };
}

const DAY_MS = 86_400_000;

/** Seconds as a number, or `500ms`, `60m`, `1h30m`, `7d`; the value is milliseconds. */
export function duration(minMs = 1000, maxMs = 7 * DAY_MS): Reader<number> {
  const expects = 'a duration (seconds, or like "90s", "60m", "1h30m")';
  return {
    expects,
    schema: either(
      { type: 'integer', minimum: Math.ceil(minMs / 1000), maximum: Math.floor(maxMs / 1000) },
      { type: 'string', pattern: DURATION.source, minLength: 1 },
    ),
    read: (node, path, context) => {
      if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'boolean') {
        return wrongType(node, path, context, expects);
      }
      const ms = parseDuration(node.text);
      const at = { path, offset: node.start };
      if (ms === undefined) {
        const message = `"${quoted(node.text, 40)}" is no duration.`;
        const meant = durationInWords(node.text);
        const meantMs = meant === undefined ? undefined : parseDuration(meant);
        const fits = meantMs !== undefined && meantMs >= minMs && meantMs <= maxMs;
        const hint = `Write ${fits ? meant : 'seconds (90), or "90s", "60m", "1h30m"'}`;
        context.error('invalid_duration', message, at, hint);
        return undefined;
      }
      if (ms >= minMs && ms <= maxMs) return ms;
      const bounds = `from ${String(minMs / 1000)} to ${String(maxMs / 1000)} seconds`;
      context.error(
        'out_of_range',
        `Expected a duration ${bounds}, found ${quoted(node.text, 40)}.`,
        at,
      );
      return undefined;
    },
  };
}

export interface ChoiceOptions {
  /** By words that people write instead: the one that is meant. */
  readonly habits?: Readonly<Record<string, string>>;
  /** What to write instead of a text; undefined: the usual suggestion is made. */
  readonly adviceFor?: (text: string, nearest: string | undefined) => string | undefined;
}

/** One of some words. */
export function choice<const T extends string>(
  values: readonly T[],
  options: ChoiceOptions = {},
): Reader<T> {
  const expects = `one of ${values.join(', ')}`;
  return {
    expects,
    schema: { enum: values },
    read: (node, path, context) => {
      if (node.kind !== 'scalar' || node.value === null)
        return wrongType(node, path, context, expects);
      const found = values.find((value) => value === node.text);
      if (found !== undefined) return found;
      const nearest = nearestName(node.text, values);
      const near = lookUp(options.habits, node.text) ?? nearest;
      const usual = near === undefined ? `Write ${expects}` : `Did you mean "${near}"?`;
      const hint = options.adviceFor?.(node.text, nearest) ?? usual;
      const message = `Expected ${expects}, found "${quoted(node.text, 60)}".`;
      context.error('unknown_value', message, { path, offset: node.start }, hint);
      return undefined;
    },
  };
}

export interface ListRule {
  readonly min?: number;
  readonly max?: number;
  /** A single value is a list of one. */
  readonly single?: boolean;
}

/** A list; items that cannot be read are left out, their problems told. */
export function listOf<T>(item: Reader<T>, rule: ListRule = {}): Reader<T[]> {
  const { min = 0, max = 1000, single = false } = rule;
  const all: JsonSchema = {
    type: 'array',
    items: item.schema,
    ...(min > 0 && { minItems: min }),
    maxItems: max,
  };
  const expects = single ? `${item.expects}, or a list of them` : `a list (each: ${item.expects})`;
  return {
    expects,
    schema: single ? either(item.schema, all) : all,
    read: (node, path, context) => {
      if (node.kind !== 'list') {
        if (!single || (node.kind === 'scalar' && node.value === null)) {
          const hint = node.kind === 'map' ? 'Begin each item with "- "' : undefined;
          return wrongType(node, path, context, expects, hint);
        }
        const only = item.read(node, path, context);
        return only === undefined ? undefined : [only];
      }
      const at = { path, offset: node.start };
      if (node.items.length < min) {
        context.error('empty_list', 'The list is empty.', at, `Expected ${expects}`);
        return undefined;
      }
      if (node.items.length > max) {
        context.error('out_of_range', `The list has more than ${String(max)} items.`, at);
        return undefined;
      }
      const values = node.items.map((one, index) => item.read(one, [...path, index], context));
      return values.filter((value) => value !== undefined);
    },
  };
}

/** A reader that tries by the kind of the node: one reader for maps, another for the rest. */
export function mapOr<M, S>(map: Reader<M>, other: Reader<S>): Reader<M | S> {
  return {
    expects: `${other.expects}, or ${map.expects}`,
    schema: either(other.schema, map.schema),
    read: (node: YamlNode, path, context) =>
      node.kind === 'map' ? map.read(node, path, context) : other.read(node, path, context),
  };
}

/**
 * A reader that says what to write instead of a node that has the wrong type.
 * @param advice for what `reader` takes at no time; undefined: the reader says it itself
 */
export function advised<T>(
  reader: Reader<T>,
  advice: (node: YamlNode) => string | undefined,
): Reader<T> {
  return {
    expects: reader.expects,
    schema: reader.schema,
    read: (node, path, context) => {
      const hint = advice(node);
      if (hint === undefined) return reader.read(node, path, context);
      return wrongType(node, path, context, reader.expects, hint);
    },
  };
}

/** The value of a reader, changed. */
export function mapped<A, B>(reader: Reader<A>, change: (value: A) => B): Reader<B> {
  return {
    expects: reader.expects,
    schema: reader.schema,
    read: (node, path, context) => {
      const value = reader.read(node, path, context);
      return value === undefined ? undefined : change(value);
    },
  };
}
