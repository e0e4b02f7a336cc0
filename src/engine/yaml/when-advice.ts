import { quoted } from '../../common/values/redact-urls.js';
import { variableHere } from './foreign-variables.js';
import type { YamlNode } from './yaml-tree.js';

const ONE = 'Write one expression';
const EXAMPLE = `${ONE}, as when: trigger.branch == 'main'`;

/** What the words of other systems ask, by the key that has them. */
const ASKED: ReadonlyMap<string, (value: string) => string> = new Map([
  ['branch', (value: string) => `trigger.branch == '${value}'`],
  ['event', (value: string) => (value === 'tag' ? 'trigger.tag' : `trigger.event == '${value}'`)],
  ['status', (value: string) => (value === 'failure' ? 'failure()' : `${value}()`)],
]);

/** What to write in place of a list or map of conditions. */
export function conditionsAdvice(node: YamlNode): string | undefined {
  if (node.kind === 'scalar') return undefined;
  const [only, ...others] = node.kind === 'list' ? node.items : [node];
  if (only?.kind !== 'map' || others.length > 0) return EXAMPLE;
  const parts = only.entries.map(({ key, value }) => {
    const words = value.kind === 'list' ? value.items : [value];
    const asked = words.map((word) =>
      word.kind === 'scalar' && /^[\w./-]{1,40}$/.test(word.text)
        ? ASKED.get(key)?.(word.text)
        : undefined,
    );
    if (asked.length === 0 || asked.includes(undefined)) return undefined;
    return asked.length === 1 ? asked[0] : `(${asked.join(' || ')})`;
  });
  if (parts.length === 0 || parts.includes(undefined)) return EXAMPLE;
  return `${ONE}: when: ${parts.join(' && ')}`;
}

/** What to write in place of `$NAME` in an expression; undefined where it has none. */
export function shellInExpressionAdvice(text: string): string | undefined {
  const name = /\$\{?([A-Za-z_]\w*)/.exec(text)?.[1];
  return name === undefined ? undefined : `Write env.${quoted(variableHere(name) ?? name, 60)}`;
}
