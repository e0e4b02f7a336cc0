/** The folders of a step in front of its `PATH`; plans without any have no such key. */
export function searchedFolders(
  own: readonly string[] = [],
  ofDefaults: readonly string[],
): { readonly path?: readonly string[] } {
  const path = [...new Set([...own, ...ofDefaults])];
  return path.length === 0 ? {} : { path };
}
