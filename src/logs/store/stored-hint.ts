const PREFIX = 'stored:';

/** The hint on `live.<execution>` that the store has the log up to line `seq`. */
export function storedHint(seq: number): string {
  return `${PREFIX}${seq}`;
}

/** The number in such a hint; `undefined`: it is another one. */
export function storedSeqOf(hint: string): number | undefined {
  if (!hint.startsWith(PREFIX)) return undefined;
  const seq = Number(hint.slice(PREFIX.length));
  return Number.isSafeInteger(seq) ? seq : undefined;
}
