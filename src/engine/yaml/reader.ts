import { nameRecord, valueOf } from '../../common/values/name-record.js';
import { quoted, redactUrls } from '../../common/values/redact-urls.js';
import type { RepositorySupport } from '../../common/values/repository-url.js';
import { nearestName } from '../expression/nearest-name.js';
import { formatPath, MAX_PROBLEMS, type Problem, type YamlPath } from './problem.js';
import {
  type JsonSchema,
  type KeyGroup,
  type KeyNeed,
  type KeyRefusal,
  mapSchema,
} from './json-schema.js';
import type { SourceText } from './source-text.js';
import { quotesHint } from './split-text.js';
import type { YamlMap, YamlNode } from './yaml-tree.js';

/** A text with expressions, and where it stands: the compiler checks what they refer to. */
export interface ExpressionUse {
  /** `when` is one expression, `template` a text with `${{ }}`. */
  readonly kind: 'when' | 'template';
  readonly text: string;
  readonly path: YamlPath;
  readonly node: YamlNode;
  /**
   * Offset in the document of the text's first character, where `when` was written as `${{ … }}`.
   */
  readonly skipped?: number;
}

/** Collects problems and expressions while a document is read. */
export class ReadContext {
  readonly problems: Problem[] = [];
  readonly expressions: ExpressionUse[] = [];
  private unreported = 0;

  constructor(
    readonly source: SourceText,
    readonly repositories: RepositorySupport,
  ) {}

  /** Adds an error at an offset of the document. */
  error(code: string, message: string, at: Place, suggestion?: string): void {
    this.add('error', code, message, at, suggestion);
  }

  warn(code: string, message: string, at: Place, suggestion?: string): void {
    this.add('warning', code, message, at, suggestion);
  }

  /** All problems; a last one tells how many more there were. */
  finish(): Problem[] {
    if (this.unreported === 0) return this.problems;
    const message = `${String(this.unreported)} more problems are not listed.`;
    const place = { path: '', line: 1, column: 1 };
    return [...this.problems, { ...place, severity: 'error', code: 'too_many_problems', message }];
  }

  private add(
    severity: Problem['severity'],
    code: string,
    message: string,
    at: Place,
    suggestion?: string,
  ): void {
    if (this.problems.length >= MAX_PROBLEMS) {
      this.unreported += 1;
      return;
    }
    const { line, column } = this.source.position(at.offset);
    const hint = suggestion === undefined ? {} : { suggestion: redactUrls(suggestion) };
    const path = formatPath(at.path);
    const said = redactUrls(message);
    this.problems.push({ path, line, column, severity, code, message: said, ...hint });
  }
}

/** A name in the file, with where it stands. */
export interface NameUse {
  readonly name: string;
  readonly path: YamlPath;
  /** Offset in the document. */
  readonly offset: number;
}

export interface Place {
  readonly path: YamlPath;
  readonly offset: number;
}

/**
 * Checks one value of the document and makes the typed value of it. Problems go to the context, all
 * that there are; `undefined` = it could not be read and at least one problem was reported.
 */
export interface Reader<T> {
  /** What it takes, for messages and the documentation: `a text`, `a list of texts`. */
  readonly expects: string;
  /** What it takes, as far as a schema can say it; whatever it takes, the schema takes. */
  readonly schema: JsonSchema;
  read(node: YamlNode, path: YamlPath, context: ReadContext): T | undefined;
}

export type ReadValue<R> = R extends Reader<infer T> ? T : never;

export type FieldReaders = Readonly<Record<string, Reader<unknown>>>;

/**
 * The keys of one kind of map: what each takes, what is refused until later, what people write
 * instead.
 */
export interface KeyTable<F extends FieldReaders> {
  /** For messages: `a step`. */
  readonly name: string;
  readonly fields: F;
  readonly required?: readonly (keyof F & string)[];
  /** Keys of later issues, with what brings them; refused by name. */
  readonly later?: Readonly<Record<string, string>>;
  /** Other names of keys that are accepted: `condition` = `when`. */
  readonly same?: Readonly<Record<string, keyof F & string>>;
  /** Names by the habit of other systems, with what to write here: never a key of later. */
  readonly habits?: Readonly<Record<string, string>>;
  /** What to write for a key whose value says more than its name: before `habits`. */
  readonly adviceByValue?: (key: string, value: YamlNode) => string | undefined;
  /** The same for keys that are known by their value, not by their name. */
  readonly adviceFor?: (key: string, value: YamlNode) => string | undefined;
  /** Keys that exclude each other, or of which one must be there. */
  readonly groups?: readonly KeyGroup[];
  /** Keys that the value of another one asks for. */
  readonly needs?: readonly KeyNeed[];
  /** What keys mean, for editors; without one it is what the key takes. */
  readonly meanings?: Readonly<Record<string, string>>;
}

export type FieldValues<F extends FieldReaders> = {
  -readonly [K in keyof F]?: ReadValue<F[K]>;
};

/**
 * A reader of a map by its key table. Unknown keys are errors; keys that begin with `x-` are
 * ignored.
 */
export function fields<F extends FieldReaders>(table: KeyTable<F>): Reader<FieldValues<F>> {
  return {
    expects: `a map (${table.name})`,
    schema: mapSchema(table),
    read: (node, path, context) => {
      if (node.kind !== 'map') return wrongType(node, path, context, `a map (${table.name})`);
      return readFields(table, node, path, context);
    },
  };
}

function readFields<F extends FieldReaders>(
  table: KeyTable<F>,
  node: YamlMap,
  path: YamlPath,
  context: ReadContext,
): FieldValues<F> {
  const values: [string, unknown][] = [];
  const given = new Map<string, string>();
  for (const { key, keyStart, value } of node.entries) {
    if (key.startsWith('x-')) continue;
    const at = { path: [...path, key], offset: keyStart };
    const field = lookUp(table.same, key) ?? key;
    const reader = valueOf(table.fields, field);
    if (reader === undefined) {
      refuseKey(table, key, value, at, context);
      continue;
    }
    const before = given.get(field);
    given.set(field, key);
    if (before !== undefined) {
      const message = `"${key}" means the same as "${before}"; both are given.`;
      context.error('conflicting_keys', message, at, `Remove "${key}"`);
      continue;
    }
    const result = reader.read(value, at.path, context);
    if (result !== undefined) values.push([field, result]);
  }
  for (const key of table.required ?? []) {
    if (given.has(key)) continue;
    const place = { path, offset: node.start };
    context.error('missing_key', `${capital(table.name)} needs "${key}".`, place, `Add ${key}: …`);
  }
  const at = { path, offset: node.start };
  for (const refusal of refusalsOf(table, new Set(given.keys()), new Map(values))) {
    context.error(refusal[0], refusal[1], at, refusal[2]);
  }
  return { ...nameRecord(values) } as FieldValues<F>;
}

/** What is wrong with which keys stand beside each other; what could not be read is not judged. */
function refusalsOf(
  { groups = [], needs = [] }: Pick<KeyTable<FieldReaders>, 'groups' | 'needs'>,
  given: ReadonlySet<string>,
  values: ReadonlyMap<string, unknown>,
): readonly KeyRefusal[] {
  const ofGroups = groups.map(({ keys, none, several }) => {
    const count = keys.filter((key) => given.has(key)).length;
    return count === 0 ? none : count > 1 ? several : undefined;
  });
  const ofNeeds = needs.map(({ key, where, missing, needless }) => {
    const value = values.get(where.key);
    if (value === where.is) return given.has(key) ? undefined : missing;
    return value !== undefined && given.has(key) ? needless : undefined;
  });
  return [...ofGroups, ...ofNeeds].filter((refusal) => refusal !== undefined);
}

function refuseKey(
  table: Pick<
    KeyTable<FieldReaders>,
    'name' | 'fields' | 'later' | 'habits' | 'adviceFor' | 'adviceByValue'
  > & {
    readonly same?: Readonly<Record<string, string>>;
  },
  key: string,
  value: YamlNode,
  at: Place,
  context: ReadContext,
): void {
  const later = lookUp(table.later, key);
  if (later !== undefined) {
    const message = `"${key}" is not supported yet: ${later}.`;
    context.error('not_yet_supported', message, at, `Remove "${key}" until then`);
    return;
  }
  const known = [...Object.keys(table.fields), ...Object.keys(table.same ?? {})];
  const habit =
    table.adviceByValue?.(key, value) ?? lookUp(table.habits, key) ?? table.adviceFor?.(key, value);
  const nearest = nearestName(key, [...known, ...Object.keys(table.later ?? {})]);
  // Who means a key of later is helped neither by its name nor by the next best.
  const near = lookUp(table.later, nearest ?? '') === undefined ? nearest : undefined;
  const hint =
    habit ?? (near === undefined ? `Known keys: ${known.join(', ')}` : `Did you mean "${near}"?`);
  context.error(
    'unknown_key',
    `${capital(table.name)} has no key "${quoted(key, 100)}".`,
    at,
    hint,
  );
}

/** Tells that a value has the wrong type, with what was found; answers undefined. */
export function wrongType(
  node: YamlNode,
  path: YamlPath,
  context: ReadContext,
  expects: string,
  suggestion?: string,
): undefined {
  if (node.kind === 'scalar' && node.isBroken === true) return undefined;
  const message = `Expected ${expects}, found ${describe(node)}.`;
  const hint = suggestion ?? quotesHint(node, context.source.text);
  context.error('wrong_type', message, { path, offset: node.start }, hint);
  return undefined;
}

/** Short words for what a node is. */
export function describe(node: YamlNode): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a map';
  if (node.value === null) return 'nothing';
  const shown = quoted(node.text, 40);
  if (typeof node.value === 'string') return `the text ${JSON.stringify(shown)}`;
  return `the ${typeof node.value} ${shown}`;
}

/** What a table says of a key that somebody wrote. */
export function lookUp<T>(
  table: Readonly<Record<string, T>> | undefined,
  key: string,
): T | undefined {
  return table === undefined ? undefined : valueOf(table, key);
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
