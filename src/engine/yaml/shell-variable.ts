const SHELL_VARIABLE = /(?<![$\\])\$(?:\{([A-Za-z_]\w*)[}:]|([A-Z][A-Z0-9_]+)\b)/;

/**
 * The first `$NAME` or `${NAME}` as a shell reads it; not `$$NAME`, by which others mean
 * characters.
 */
export function shellVariableIn(
  text: string,
): { readonly name: string; readonly shown: string } | undefined {
  const found = SHELL_VARIABLE.exec(text);
  const name = found?.[1] ?? found?.[2];
  if (found === null || name === undefined) return undefined;
  return { name, shown: found[1] === undefined ? `$${name}` : `\${${name}}` };
}
