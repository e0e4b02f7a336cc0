import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { DataMap, DataNode, type Parsed } from './data-node.js';

/** Values below each other. */
const MAX_DEPTH = 100;

/** Reads YAML and JSON, which is YAML too. Aliases are not resolved: no manifest needs them. */
export function readYaml(text: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    merge: false,
    resolveKnownTags: false,
    logLevel: 'silent',
  });
  const [error] = document.errors;
  if (error) {
    const [message = ''] = error.message.split('\n');
    return { problem: message, line: lines.linePos(error.pos[0]).line };
  }
  try {
    return { root: dataOf(document.contents, lines, 0) };
  } catch (problem) {
    if (!(problem instanceof RangeError)) throw problem;
    return { problem: problem.message, line: 1 };
  }
}

function dataOf(node: Node | null, lines: LineCounter, depth: number): DataNode {
  if (depth > MAX_DEPTH) throw new RangeError(`values in more than ${MAX_DEPTH} others`);
  const line = node?.range ? lines.linePos(node.range[0]).line : 1;
  if (isMap(node)) {
    const nodes = new Map<string, DataNode>();
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      const data = dataOf(value as Node | null, lines, depth + 1);
      // A value is found by its key, which may stand lines above it.
      const keyLine = key.range ? lines.linePos(key.range[0]).line : data.line;
      nodes.set(String(key.value), new DataNode(data.value, keyLine));
    }
    return new DataNode(new DataMap(nodes), line);
  }
  if (isSeq(node)) {
    const items = node.items.map((item) => dataOf(item as Node | null, lines, depth + 1));
    return new DataNode(items, line);
  }
  if (isAlias(node) || !isScalar(node)) return new DataNode(null, line);
  const { value } = node;
  const isKnown = typeof value === 'string' || typeof value === 'number' || value === true;
  return new DataNode(isKnown || value === false ? value : null, line);
}
