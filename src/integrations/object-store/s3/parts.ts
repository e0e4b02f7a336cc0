/** One part of a content. */
export interface Part {
  /** Its bytes, in a buffer that is used again for the next part but one. */
  readonly bytes: Buffer;
  /** From 1. */
  readonly number: number;
  readonly isLast: boolean;
}

/**
 * A stream cut into parts of `size` bytes, the last one shorter or empty. There are two buffers for
 * all of them: while one part is sent, the next is filled.
 */
export async function* partsOf(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Part, void, void> {
  const buffers: Buffer[] = [];
  let number = 1;
  let filled = 0;
  const current = (): Buffer => (buffers[number % 2] ??= Buffer.allocUnsafeSlow(size));
  for await (const chunk of chunks) {
    let rest = chunk;
    while (rest.length > 0) {
      // A full part waits for the byte behind it: it may be the last one.
      if (filled === size) {
        yield { bytes: current(), number, isLast: false };
        number += 1;
        filled = 0;
      }
      const taken = Math.min(rest.length, size - filled);
      current().set(rest.subarray(0, taken), filled);
      filled += taken;
      rest = rest.subarray(taken);
    }
  }
  yield { bytes: current().subarray(0, filled), number, isLast: true };
}
