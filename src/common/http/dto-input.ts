import { getMetadataStorage } from 'class-validator';
import { nameRecord, type NameRecord } from '../values/name-record.js';
import { quoted } from '../values/redact-urls.js';
import { characterProblem, REPLACEMENT } from '../values/text-rule.js';
import { hasOwnCharacters, nameMapsOf } from './name-map.decorator.js';
import { writtenNumber } from './written-numbers.js';

/** One field that is wrong, as in `details`. */
export interface FieldProblem {
  /** `inputs.target`, `items[2].name` */
  readonly path: string;
  /**
   * Name of the rule that was broken, such as `isString`; `unknown_property` for a name that is not
   * known.
   */
  readonly code: string;
  readonly message: string;
}

export type DtoClass = abstract new (...args: never[]) => object;

/** What a body or query holds, taken apart by its own properties before any library sees it. */
export interface DtoInput {
  /**
   * Fields that the class knows, of the input itself: safe for class-transformer and
   * class-validator.
   */
  readonly known: Readonly<Record<string, unknown>>;
  /** Maps of names that users choose, as they were sent, by the path to their field. */
  readonly maps: readonly {
    readonly path: readonly string[];
    readonly record: NameRecord<unknown>;
  }[];
  /** Unknown properties, texts with characters that no text may hold, numbers that would change. */
  readonly problems: readonly FieldProblem[];
}

/**
 * class-validator asks a plain object whether it knows a property, so the 11 names that all objects
 * have pass as known; and class-transformer leaves out what its target already has. Here a property
 * is known when the class has a rule for it.
 */
export function dtoInput(value: object, dto: DtoClass, place: 'body' | 'query'): DtoInput {
  const maps: { path: string[]; record: NameRecord<unknown> }[] = [];
  const problems: FieldProblem[] = [];
  const known = take(value, dto, []);
  return { known, maps, problems };

  function take(source: object, type: DtoClass, path: string[]): NameRecord<unknown> {
    const prototype = type.prototype as object;
    const fields = fieldsOf(type);
    const nameMaps = nameMapsOf(prototype);
    const taken: [string, unknown][] = [];
    for (const [name, field] of Object.entries(source)) {
      const at = [...path, name];
      if (!fields.has(name)) {
        const shown = shownPath(at);
        problems.push(unknownProperty(shown));
        continue;
      }
      const nested = Reflect.getMetadata('design:type', prototype, name) as DtoClass | undefined;
      if (isPlain(field) && nested !== undefined && fieldsOf(nested).size > 0) {
        taken.push([name, take(field, nested, at)]);
        continue;
      }
      if (!hasOwnCharacters(prototype, name)) problems.push(...characterProblems(field, at, place));
      if (isPlain(field) && nameMaps.has(name)) {
        problems.push(...numberProblems(field, at));
        maps.push({ path: at, record: nameRecord(Object.entries(field)) });
        taken.push([name, {}]);
        continue;
      }
      taken.push([name, field]);
    }
    // With a prototype, which the libraries ask for; all names are those of fields of ours.
    return { ...nameRecord(taken) };
  }
}

/** @param path as it is shown */
export function unknownProperty(path: string): FieldProblem {
  return { path, code: 'unknown_property', message: `${path} is not known here` };
}

/** Puts the maps where their fields are. */
export function withMaps<T>(instance: T, { maps }: DtoInput): T {
  for (const { path, record } of maps) {
    const field = path.at(-1) ?? '';
    // Every part of the path is a field of a class of ours.
    const holder = path
      .slice(0, -1)
      .reduce<object>((object, name) => Reflect.get(object, name) as object, instance as object);
    Reflect.set(holder, field, record);
  }
  return instance;
}

/** Names of the fields for which a class has rules; none for a class that is no DTO. */
function fieldsOf(type: DtoClass): ReadonlySet<string> {
  const storage = getMetadataStorage();
  const rules = storage.getTargetValidationMetadatas(type, '', true, false);
  return new Set(rules.map(({ propertyName }) => propertyName));
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of every text in a value, names of maps included. */
function characterProblems(
  value: unknown,
  path: string[],
  place: 'body' | 'query',
): FieldProblem[] {
  if (typeof value === 'string') {
    const problem = characterProblem(value);
    const shown = shownPath(path);
    if (problem !== undefined) {
      const message = `${shown} holds ${problem.what} at character ${problem.index + 1}`;
      return [{ path: shown, code: 'character', message }];
    }
    // A query has been decoded by then: this stands where its bytes were no UTF-8.
    if (place === 'query' && value.includes(REPLACEMENT)) {
      return [{ path: shown, code: 'encoding', message: `${shown} must be UTF-8` }];
    }
    return [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => {
    const inName = Array.isArray(value) ? [] : characterProblems(name, path, place);
    return [...inName, ...characterProblems(part, [...path, name], place)];
  });
}

function numberProblems(map: object, path: string[]): FieldProblem[] {
  return Object.keys(map).flatMap((name) => {
    const written = writtenNumber(map, name);
    if (written === undefined) return [];
    const shown = shownPath([...path, name]);
    const text = JSON.stringify(written.slice(0, 40));
    const message = `${shown} is a number that would change; write it as a string: ${text}`;
    return [{ path: shown, code: 'number', message }];
  });
}

/** A path whose names may be anything. */
function shownPath(path: readonly string[]): string {
  return path
    .map((name) => (characterProblem(name) === undefined ? quoted(name, 100) : '***'))
    .reduce((all, name) => (/^\d+$/.test(name) ? `${all}[${name}]` : `${all}.${name}`));
}
