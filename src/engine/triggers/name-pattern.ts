import { RE2JS } from 're2js';

/**
 * Tells which branches, tags or paths fit a pattern of a pipeline: `*` is anything but `/`,
 * `**` anything, `?` one character but `/`, `{a,b}` one of the two; all else is itself. Linear in
 * the text.
 */
export function namePattern(pattern: string): (name: string) => boolean {
  const compiled = RE2JS.compile(expressionOf(pattern), RE2JS.DOTALL);
  return (name) => compiled.matches(name);
}

function expressionOf(pattern: string): string {
  return pattern
    .split(/(\*\*\/|\*+|\?|\{[^{}]*,[^{}]*\})/)
    .map((part) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '*') return '[^/]*';
      if (part === '?') return '[^/]';
      if (part.startsWith('**')) return '.*';
      if (!/^\{.*,/.test(part)) return RE2JS.quote(part);
      const choices = part.slice(1, -1).split(',').map(expressionOf);
      return `(?:${choices.join('|')})`;
    })
    .join('');
}
