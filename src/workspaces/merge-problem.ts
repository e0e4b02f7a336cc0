const TAKEN =
  /^cp: cannot overwrite (non-directory|directory) '(?:\.\/)*(.*)' with (?:non-)?directory/;

/**
 * What `cp` has said of a merge, in words of the workspace: it names paths of the server's, which
 * mean nothing to whoever reads the log of a step.
 *
 * @param from the folder that was merged
 */
export function mergeProblem(stderr: string, from: string): string {
  const [first = ''] = stderr.trim().split('\n');
  const taken = TAKEN.exec(first);
  if (taken) {
    const [there, brought] =
      taken[1] === 'directory' ? ['a folder', 'a file'] : ['a file', 'a folder'];
    return `"${taken[2] ?? ''}" is ${there} in the workspace, and ${brought} in what is brought`;
  }
  return first.replace(/^cp: /, '').replaceAll(`${from}/./`, '').replaceAll(`${from}/`, '');
}
