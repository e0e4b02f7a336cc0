/** What stands at a path; undefined: nothing. */
export type Found = 'file' | 'folder' | { readonly link: string } | undefined;

/** As many as the kernel follows. */
const MAX_LINKS = 40;
/** Parts of paths looked at for one link. */
const MAX_STEPS = 1000;

/**
 * Where a link of a tree ends, all links on the way followed:
 *
 * - `inside`: at something in the tree.
 * - `dangling`: at nothing, or in a circle; but nowhere on its way out of the tree.
 * - `outward`: out of the tree, also when it comes back. Absolute targets are all that.
 *
 * `look` is asked for paths below the top, whose parents it has called folders.
 */
export async function linkEnd(
  path: string,
  target: string,
  look: (path: string) => Promise<Found>,
): Promise<'inside' | 'dangling' | 'outward'> {
  if (target.startsWith('/')) return 'outward';
  const folder = path.split('/').slice(0, -1);
  let rest = target.split('/');
  let isMissing = false;
  let links = 0;
  for (let steps = 0; rest.length > 0; steps += 1) {
    if (steps >= MAX_STEPS) return 'outward';
    const [name = '', ...further] = rest;
    rest = further;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (folder.pop() === undefined) return 'outward';
      continue;
    }
    folder.push(name);
    // Behind what is not there nothing is; only whether it leads out is of interest still.
    if (isMissing) continue;
    const found = await look(folder.join('/'));
    if (found === undefined || (found === 'file' && rest.length > 0)) {
      isMissing = true;
    } else if (typeof found === 'object') {
      if (found.link.startsWith('/')) return 'outward';
      links += 1;
      if (links > MAX_LINKS) return 'dangling';
      folder.pop();
      rest = [...found.link.split('/'), ...rest];
    }
  }
  return isMissing ? 'dangling' : 'inside';
}
