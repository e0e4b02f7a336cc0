import type { PlanGraph, PlanGraphNode } from './plan-graph.js';

/** Characters of a name in the picture. */
export const LABEL_LENGTH = 80;

const STYLES = [
  ['skipped', 'opacity:0.45,stroke-dasharray:2 4'],
  ['depends', 'stroke-dasharray:6 4'],
  ['fails', 'stroke:#c0392b,stroke-width:2px'],
] as const;

/**
 * The graph as a Mermaid flowchart: stages and lists of hooks are subgraphs. Names stand only
 * inside of quotes and there only as letters, digits and what has no meaning to Mermaid or
 * Markdown; all else is written by its number (`#34;`), so no name can end a label or begin a
 * statement. https://mermaid.js.org/syntax/flowchart.html
 */
export function mermaidText({ nodes, edges }: PlanGraph): string {
  const lines = ['flowchart LR'];
  const children = new Map<string, PlanGraphNode[]>();
  for (const node of nodes) {
    if (node.parent !== null) append(children, node.parent, node);
  }
  const parents = new Map(nodes.map(({ id, parent }) => [id, parent]));
  const edgesIn = new Map<string | null, string[]>();
  for (const { from, to } of edges) {
    const parent = parents.get(from) ?? null;
    append(edgesIn, parent, `${from} --> ${to}`);
  }
  for (const node of nodes) {
    if (node.kind === 'step') continue;
    if (node.kind === 'checkout') {
      lines.push(`  ${node.id}(["${mermaidLabel(node.name)}"])`);
      continue;
    }
    lines.push(`  subgraph ${node.id}["${mermaidLabel(node.name)}"]`);
    const steps = children.get(node.id) ?? [];
    lines.push(...steps.map((step) => `    ${step.id}["${mermaidLabel(step.name)}"]`));
    lines.push(...(edgesIn.get(node.id) ?? []).map((edge) => `    ${edge}`), '  end');
  }
  lines.push(...(edgesIn.get(null) ?? []).map((edge) => `  ${edge}`));
  for (const [verdict, style] of STYLES) {
    const styled = nodes.filter((node) => node.verdict === verdict).map(({ id }) => id);
    if (styled.length === 0) continue;
    lines.push(`  classDef ${verdict} ${style}`, `  class ${styled.join(',')} ${verdict}`);
  }
  return `${lines.join('\n')}\n`;
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/**
 * A name as it may stand between the quotes of a label: one line, at most 80 characters and an
 * ellipsis.
 */
export function mermaidLabel(name: string): string {
  const line = name.replace(/[\s\p{Cc}\p{Cf}\p{Cs}]+/gu, ' ').trim();
  const characters = [...line];
  const shown = characters.slice(0, LABEL_LENGTH);
  // A number with a dot, or a dash, at the beginning would make a list of it.
  const isList = /^(\d+[.)]|-)/.test(line);
  const label = shown
    .map((one) => (isPlain(one) && !(isList && /[.-]/.test(one)) ? one : `#${one.codePointAt(0)};`))
    .join('');
  // An empty label is a mistake to Mermaid.
  return characters.length > LABEL_LENGTH || label === '' ? `${label}…` : label;
}

function isPlain(character: string): boolean {
  return /[\p{L}\p{M}\p{N} ,./-]/u.test(character);
}
