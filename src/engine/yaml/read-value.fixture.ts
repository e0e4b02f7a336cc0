import { ReadContext, type Reader } from './reader.js';
import { SourceText } from './source-text.js';
import { parseYamlTree } from './yaml-tree.js';

/** What a reader makes of a text of YAML, and of what it complains. */
export function readValue<T>(
  reader: Reader<T>,
  text: string,
): {
  readonly value: T | undefined;
  /** `1:8 wrong_type a.b` */
  readonly problems: readonly string[];
  readonly messages: readonly string[];
  readonly expressions: readonly string[];
} {
  const context = new ReadContext(new SourceText(text), { ssh: false });
  const { root } = parseYamlTree(text);
  if (root === undefined) throw new Error('No YAML.');
  const value = reader.read(root, [], context);
  const problems = context.finish();
  return {
    value,
    problems: problems.map(({ line, column, code, path }) =>
      `${line}:${column} ${code} ${path}`.trimEnd(),
    ),
    messages: problems.map(({ message, suggestion }) => `${message} ${suggestion ?? ''}`),
    expressions: context.expressions.map((use) => use.text),
  };
}
