export interface GoMod {
  readonly module: GoLine | undefined;
  readonly go: GoLine | undefined;
  readonly toolchain: GoLine | undefined;
  /** Modules that the project names itself. */
  readonly requires: readonly GoLine[];
}

export interface GoLine {
  readonly value: string;
  readonly line: number;
}

/** Reads a go.mod (https://go.dev/ref/mod#go-mod-file): a directive a line, or in a block. */
export function readGoMod(text: string): GoMod {
  const found = new Map<string, GoLine>();
  const requires: GoLine[] = [];
  let block: string | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const [code = '', comment = ''] = raw.split('//', 2);
    const words = code.trim().split(/\s+/);
    const [first = '', second = ''] = words;
    if (first === '') continue;
    if (block !== undefined && first === ')') {
      block = undefined;
      continue;
    }
    if (second === '(') {
      block = first;
      continue;
    }
    const [directive, value] = block === undefined ? [first, second] : [block, first];
    const line = { value: unquoted(value), line: index + 1 };
    if (directive === 'require') {
      if (comment.trim() !== 'indirect') requires.push(line);
    } else if (!found.has(directive)) found.set(directive, line);
  }
  const [module, go, toolchain] = ['module', 'go', 'toolchain'].map((name) => found.get(name));
  return { module, go, toolchain, requires };
}

function unquoted(value: string): string {
  return value.replace(/^["`](.*)["`]$/, '$1');
}
