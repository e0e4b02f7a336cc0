import { quoted } from '../../common/values/redact-urls.js';
import type { YamlNode } from './yaml-tree.js';

/** Of the text, characters that are shown: a longer one is not repeated. */
const SHOWN = 80;

/**
 * What to write in place of a text that became a map because it holds `: ` or ends with `:`, such
 * as `- echo "a: b"`; undefined where the node is no such map.
 */
export function quotesHint(node: YamlNode, source: string): string | undefined {
  if (node.kind !== 'map' || node.entries.length !== 1) return undefined;
  const text = source.slice(node.start, node.end).trim();
  if (text === '' || text.startsWith('{')) return undefined;
  const why = 'YAML takes a text with ": " in it for a map: put all of it in quotes';
  // A URL may hold a password.
  if (text.includes('\n') || quoted(text, SHOWN) !== text) return why;
  return `${why}: '${text.replaceAll("'", "''")}'`;
}

/** True for a command that became a map: words stand before its colon, where a key has none. */
export function isSplitCommand(node: YamlNode): boolean {
  const [first, ...rest] = node.kind === 'map' ? node.entries : [];
  return first !== undefined && rest.length === 0 && /\S\s+\S/.test(first.key);
}
