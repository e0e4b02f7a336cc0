import { quoted } from '../../common/values/redact-urls.js';
import type { Reader } from '../yaml/reader.js';
import { listOf, text } from '../yaml/value-readers.js';

/**
 * Patterns of branches, tags or files. Other systems leave out what fits one that begins with `!`;
 * here that is a character of the name, which git allows, so it is a warning.
 *
 * @param advice what to write instead, by the pattern without its `!`
 */
export function namePatterns(advice: (pattern: string) => string): Reader<string[]> {
  const one = text({ expects: 'a pattern', max: 255, oneLine: true });
  const item: Reader<string> = {
    ...one,
    read: (node, path, context) => {
      const pattern = one.read(node, path, context);
      if (pattern?.startsWith('!')) {
        const message = `"${quoted(pattern, 60)}" leaves nothing out: it is for a name that begins with "!".`;
        context.warn(
          'not_left_out',
          message,
          { path, offset: node.start },
          advice(pattern.slice(1)),
        );
      }
      return pattern;
    },
  };
  return listOf(item, { max: 100, single: true });
}

/**
 * Advice for all but some branches or tags: a `when` about `root`, what an expression calls them.
 * Undefined: that depends on the event.
 */
export function butFor(what: 'branches' | 'tags', root?: string): (pattern: string) => string {
  return (pattern) => {
    const only = `Write the ${what} that count`;
    const [, name = '', glob = ''] = /^([\w./-]+)(\*{0,2})$/.exec(pattern) ?? [];
    if (name === '' || root === undefined)
      return `${only}; for all but some write a when at the stages`;
    const when = glob === '' ? `${root} != '${name}'` : `!startsWith(${root}, '${name}')`;
    return `${only}; for all but ${pattern} write when: ${glob === '' ? when : `"${when}"`} at the stages`;
  };
}
