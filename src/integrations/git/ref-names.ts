/** Full name of the branch or tag; undefined for neither. */
export function refNamed(branch: string | undefined, tag: string | undefined): string | undefined {
  if (tag !== undefined) return `refs/tags/${tag}`;
  return branch === undefined ? undefined : `refs/heads/${branch}`;
}

/** For an error: what was asked for. */
export function described(branch: string | undefined, tag: string | undefined): string {
  return tag === undefined ? `branch ${branch ?? ''}` : `tag ${tag}`;
}
