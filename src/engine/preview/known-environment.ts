import { hasName, mergedNames, nameRecord } from '../../common/values/name-record.js';
import { parseTemplate } from '../expression/template.js';
import { templateReferences, type References } from '../expression/expression-references.js';
import { renderText } from '../expression/render-text.js';
import { variablesInDependencyOrder, isReservedVariable } from '../runtime/step-environment.js';
import type { Environment } from '../plan/plan.js';
import type { Scope } from '../expression/scope.js';

/**
 * Variables of a place before the run: those with a value, and the names of those that only the run
 * knows.
 */
export interface KnownEnvironment {
  readonly values: Readonly<Record<string, string>>;
  readonly unknown: ReadonlySet<string>;
}

export interface KnownEnvironmentSources {
  readonly platform: KnownEnvironment;
  /** Weakest first; values are templates. */
  readonly levels: readonly Environment[];
  readonly overrides: Readonly<Record<string, string>>;
  /** Names of secrets: only the run knows them, and they win over everything. */
  readonly secrets: readonly string[];
  readonly scope: (env: Readonly<Record<string, string>>) => Scope;
  /** Whether a text may be evaluated, given what it reads and the variables outside its level. */
  readonly knows: (references: References, outside: KnownEnvironment) => boolean;
}

/**
 * `mergeEnvironment` as far as it is known: a variable whose text reads what is not known is
 * unknown.
 * @throws TemplateError for a wrong expression, EnvironmentError for a circle
 */
export function mergeKnownEnvironment(sources: KnownEnvironmentSources): KnownEnvironment {
  const { platform, overrides, secrets } = sources;
  const values = new Map(Object.entries(platform.values));
  const unknown = new Set(platform.unknown);
  const set = (name: string, value: string | undefined): void => {
    if (isReservedVariable(name)) return;
    values.delete(name);
    unknown.delete(name);
    if (value === undefined) unknown.add(name);
    else values.set(name, value);
  };
  for (const level of sources.levels) {
    const outside = withSecrets(
      withOverrides({ values: nameRecord(values), unknown }, overrides),
      secrets,
    );
    const rendered = new Map<string, string | undefined>();
    for (const { name, text, reads } of variablesInDependencyOrder(level)) {
      const seen = withSecrets(withSiblings(outside, reads, rendered, overrides), secrets);
      const value = isKnown(text, seen, sources)
        ? renderText(text, sources.scope(seen.values))
        : undefined;
      rendered.set(name, value);
    }
    for (const [name, value] of rendered) set(name, value);
  }
  return withSecrets(withOverrides({ values: nameRecord(values), unknown }, overrides), secrets);
}

/** What is outside a level, with the variables of the level that a text of it reads. */
function withSiblings(
  outside: KnownEnvironment,
  reads: readonly string[],
  rendered: ReadonlyMap<string, string | undefined>,
  overrides: Readonly<Record<string, string>>,
): KnownEnvironment {
  const own = reads.filter((name) => !isReservedVariable(name) && !hasName(overrides, name));
  if (own.length === 0) return outside;
  const values = new Map(Object.entries(outside.values));
  const unknown = new Set(outside.unknown);
  for (const name of own) {
    const value = rendered.get(name);
    values.delete(name);
    unknown.delete(name);
    if (value === undefined) unknown.add(name);
    else values.set(name, value);
  }
  return { values: nameRecord(values), unknown };
}

function withOverrides(
  { values, unknown }: KnownEnvironment,
  overrides: Readonly<Record<string, string>>,
): KnownEnvironment {
  const own = Object.entries(overrides).filter(([name]) => !isReservedVariable(name));
  const names = new Set(own.map(([name]) => name));
  return {
    values: mergedNames(values, nameRecord(own)),
    unknown: new Set([...unknown].filter((name) => !names.has(name))),
  };
}

function withSecrets(
  { values, unknown }: KnownEnvironment,
  secrets: readonly string[],
): KnownEnvironment {
  if (secrets.length === 0) return { values, unknown };
  const others = Object.entries(values).filter(([name]) => !secrets.includes(name));
  return { values: nameRecord(others), unknown: new Set([...unknown, ...secrets]) };
}

/** A text that is no template is; one that cannot be parsed is evaluated for its problem. */
function isKnown(
  text: string,
  outside: KnownEnvironment,
  sources: KnownEnvironmentSources,
): boolean {
  const parsed = parseTemplate(text);
  return !parsed.ok || sources.knows(templateReferences(parsed.template), outside);
}
