import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';
import { DataMap, DataNode, type Parsed } from './data-node.js';

/** A table while it is read. */
type Table = Map<string, DataNode>;

/** Reads TOML 1.0. */
export function readToml(text: string): Parsed {
  try {
    const program = parseTOML(text, { tomlVersion: '1.0' });
    const top: Table = new Map();
    const [table] = program.body;
    for (const part of table.body) {
      if (part.type === 'TOMLKeyValue') addKeyValue(top, part);
      else addTable(top, part);
    }
    return { root: new DataNode(new DataMap(top), 1) };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return { problem: error.message, line: error.lineNumber };
  }
}

function addTable(top: Table, part: AST.TOMLTable): void {
  const { line } = part.loc.start;
  let table = top;
  // A number is the place in an array of tables, of which parts come in order.
  for (const [index, key] of part.resolvedKey.entries()) {
    if (typeof key === 'number') continue;
    const place = part.resolvedKey[index + 1];
    table = typeof place === 'number' ? nthTable(table, key, place, line) : child(table, key, line);
  }
  for (const pair of part.body) addKeyValue(table, pair);
}

function nthTable(table: Table, key: string, place: number, line: number): Table {
  const there = table.get(key);
  const items = [...(there?.items ?? [])];
  const found = items[place];
  if (found?.value instanceof DataMap) return found.value.nodes as Table;
  const made: Table = new Map();
  items[place] = new DataNode(new DataMap(made), line);
  table.set(key, new DataNode(items, there?.line ?? line));
  return made;
}

/** The parser has refused what would be two things by one name. */
function child(table: Table, key: string, line: number): Table {
  const there = table.get(key);
  if (there?.value instanceof DataMap) return there.value.nodes as Table;
  const made: Table = new Map();
  table.set(key, new DataNode(new DataMap(made), line));
  return made;
}

function addKeyValue(table: Table, { key, value, loc }: AST.TOMLKeyValue): void {
  const names = key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value));
  const last = names.pop();
  if (last === undefined) return;
  let into = table;
  for (const name of names) into = child(into, name, loc.start.line);
  into.set(last, dataOf(value, loc.start.line));
}

function dataOf(node: AST.TOMLContentNode, line: number): DataNode {
  if (node.type === 'TOMLArray') {
    return new DataNode(
      node.elements.map((element) => dataOf(element, element.loc.start.line)),
      line,
    );
  }
  if (node.type === 'TOMLInlineTable') {
    const table: Table = new Map();
    for (const pair of node.body) addKeyValue(table, pair);
    return new DataNode(new DataMap(table), line);
  }
  const { value } = node;
  return new DataNode(value instanceof Date ? value.toISOString() : value, line);
}
