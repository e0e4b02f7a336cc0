import { GlobError } from './glob-error.js';

/** Alternatives that one glob may stand for. */
const MAX_ALTERNATIVES = 100;

/**
 * All texts that a glob with braces stands for: `{src,lib/x}/*.ts` is two. They may be nested and
 * hold `/`. Braces without a comma or without an end are plain characters.
 * @throws GlobError: more than 100
 */
export function expandBraces(glob: string): readonly string[] {
  const found: string[] = [];
  const expand = (before: string, rest: string): void => {
    for (let at = 0; at < rest.length; at += 1) {
      at = skipped(rest, at);
      const choice = rest[at] === '{' ? choiceAt(rest, at) : undefined;
      if (choice === undefined) continue;
      const after = rest.slice(choice.end + 1);
      for (const option of choice.options) expand(before + rest.slice(0, at), option + after);
      return;
    }
    found.push(before + rest);
    if (found.length > MAX_ALTERNATIVES) {
      throw new GlobError(glob, `Its braces stand for more than ${MAX_ALTERNATIVES} paths.`);
    }
  };
  expand('', glob);
  return found;
}

/** Index of the `]` that ends the class which begins at `start`; undefined: it is no class. */
export function classEnd(text: string, start: number): number | undefined {
  let at = start + 1;
  if (text[at] === '!' || text[at] === '^') at += 1;
  // A bracket at the first place is one of its characters.
  if (text[at] === ']') at += 1;
  for (; at < text.length && text[at] !== '/'; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === ']') return at;
  }
  return undefined;
}

/** The place itself, or the last one of an escaped character or of a class that begins there. */
function skipped(text: string, at: number): number {
  if (text[at] === '\\') return at + 1;
  return text[at] === '[' ? (classEnd(text, at) ?? at) : at;
}

function choiceAt(
  text: string,
  start: number,
): { readonly end: number; readonly options: readonly string[] } | undefined {
  const options: string[] = [];
  let depth = 0;
  let from = start + 1;
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at];
    if (character === '\\' || character === '[') at = skipped(text, at);
    else if (character === '{') depth += 1;
    else if (character === '}' && depth > 0) depth -= 1;
    else if (depth === 0 && (character === ',' || character === '}')) {
      options.push(text.slice(from, at));
      from = at + 1;
      if (character === '}') return options.length > 1 ? { end: at, options } : undefined;
    }
  }
  return undefined;
}
