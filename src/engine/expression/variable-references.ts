import { isTemplate, parseTemplate } from './template.js';
import { templateReferences } from './expression-references.js';

/**
 * Variables in the order in which they can be evaluated, or the names of a circle, the first once
 * more at the end.
 */
export type VariableOrder =
  | { readonly kind: 'order'; readonly names: readonly string[] }
  | { readonly kind: 'circle'; readonly names: readonly string[] };

/**
 * Which variables of the same map the text of each one names. A text that names its own variable
 * reads the one outside the map, and a name that only an evaluation knows (`env[inputs.which]`) is
 * looked up outside it too.
 */
export function variableReferences(
  variables: Readonly<Record<string, string>>,
): ReadonlyMap<string, readonly string[]> {
  const entries = Object.entries(variables);
  const names = new Set(entries.map(([name]) => name));
  return new Map(entries.map(([name, text]) => [name, othersNamed(name, text, names)] as const));
}

function othersNamed(own: string, text: string, names: ReadonlySet<string>): readonly string[] {
  if (!isTemplate(text)) return [];
  const parsed = parseTemplate(text);
  if (!parsed.ok) return [];
  const found = new Set<string>();
  for (const { root, path } of templateReferences(parsed.template).references) {
    const [name] = path;
    if (root === 'env' && name !== undefined && name !== own && names.has(name)) found.add(name);
  }
  return [...found];
}

/**
 * Each name after those that it reads, else as they stand. A map has few enough names to recurse.
 */
export function variableOrder(edges: ReadonlyMap<string, readonly string[]>): VariableOrder {
  const done = new Set<string>();
  const open: string[] = [];
  const circleFrom = (name: string): readonly string[] | undefined => {
    if (done.has(name)) return undefined;
    if (open.includes(name)) return [...open.slice(open.indexOf(name)), name];
    open.push(name);
    for (const read of edges.get(name) ?? []) {
      const circle = circleFrom(read);
      if (circle !== undefined) return circle;
    }
    open.pop();
    done.add(name);
    return undefined;
  };
  for (const name of edges.keys()) {
    const circle = circleFrom(name);
    if (circle !== undefined) return { kind: 'circle', names: circle };
  }
  return { kind: 'order', names: [...done] };
}
