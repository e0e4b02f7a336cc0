import { RE2JS } from 're2js';

/**
 * True if a branch or tag fits a pattern of a trigger rule: `*` is anything but `/`, `**` anything,
 * `?` one character but `/`; all else is itself. Linear in the text.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  return RE2JS.compile(expressionOf(pattern), RE2JS.DOTALL).matches(name);
}

function expressionOf(pattern: string): string {
  return pattern
    .split(/(\*\*\/|\*+|\?)/)
    .map((part) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '*') return '[^/]*';
      if (part === '?') return '[^/]';
      return part.startsWith('**') ? '.*' : RE2JS.quote(part);
    })
    .join('');
}
