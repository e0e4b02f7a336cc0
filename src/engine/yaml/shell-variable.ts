const SHELL_VARIABLE = /(?<![$\\])\$(?:\{([A-Za-z_]\w*)[}:]|([A-Z][A-Z0-9_]+)\b)/;
/**
 * `$name/` in small letters, where a path begins; behind a blank or within a path only one with
 * `_`, because `$uri/` and `/users/$id/` belong to others. So it is neither `pa$word` nor `$1`.
 */
const AT_PATH = /(?<=^|[:=,"']|[\s/](?=\$[A-Za-z]*_))\$([A-Za-z_]\w+)(?=\/)/;
const ANY_NAME = /(?<![$\\])\$([A-Za-z_]\w*)/g;

interface ShellVariable {
  readonly name: string;
  readonly shown: string;
}

/**
 * The first `$NAME` or `${NAME}` as a shell reads it; not `$$NAME`, by which others mean
 * characters. In small letters `${name}` alone is certain: `$name` stands in many texts that no
 * shell reads.
 */
export function shellVariableIn(text: string): ShellVariable | undefined {
  const found = SHELL_VARIABLE.exec(text);
  const name = found?.[1] ?? found?.[2];
  if (found === null || name === undefined) return undefined;
  return { name, shown: found[1] === undefined ? `$${name}` : `\${${name}}` };
}

/**
 * The first `$name` in small letters that is meant for a shell as far as anybody can tell: a path
 * begins with it, or a variable has this name.
 * @param names of variables that stand beside the text
 */
export function likelyVariableIn(
  text: string,
  names: ReadonlySet<string> = new Set(),
): ShellVariable | undefined {
  const own = [...text.matchAll(ANY_NAME)].map((match) => match[1] ?? '');
  const name = AT_PATH.exec(text)?.[1] ?? own.find((one) => names.has(one));
  return name === undefined ? undefined : { name, shown: `$${name}` };
}
