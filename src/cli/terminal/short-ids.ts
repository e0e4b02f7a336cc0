/** Characters of a UUID up to the end of a group; the first two of version 7 are a time. */
const LENGTHS = [13, 18, 23];

/**
 * Ids by their beginnings, as people name things: the time in milliseconds, and as much more of
 * all of them as tells them apart. What is no UUID stays as it is.
 */
export function shortIds(ids: readonly string[]): readonly string[] {
  if (ids.some((id) => id !== '' && !UUID.test(id))) return ids;
  const length = LENGTHS.find((each) => {
    const short = new Map(ids.map((id) => [id, id.slice(0, each)]));
    return new Set(short.values()).size === short.size;
  });
  return ids.map((id) => id.slice(0, length));
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
