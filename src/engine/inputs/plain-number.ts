/**
 * True for a number that reads as it would be written again: `1.1`, not `1.10`, `0x10`, `1e400` or
 * `12345678901234567890`. Only such numbers are taken where a text is made of them; all others
 * would change without anybody's doing.
 */
export function isPlainNumber(text: string): boolean {
  return text !== '' && String(Number(text)) === text && Number.isFinite(Number(text));
}

/**
 * How the number is written plainly; undefined where nothing is it (too large, too many digits, no
 * number).
 */
export function plainNumber(text: string): string | undefined {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) return undefined;
  const plain = String(value);
  return digits(plain) === digits(text) || /^[-+]?0[xob]/i.test(text) ? plain : undefined;
}

/** The digits that count, to see whether some were lost. */
function digits(text: string): string {
  return text
    .replace(/e.*$/i, '')
    .replace(/[-+.]/g, '')
    .replace(/^0+|0+$/g, '');
}
