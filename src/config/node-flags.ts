/**
 * Flags of Node for each program that another one of ours starts. The script `millrace` has the
 * same ones for `serve`; a spec holds the two together.
 *
 * The worker's new space: by default Node 24 lets it grow to 128 MiB, which a step that prints a
 * lot fills with dead copies of its output before they are collected. The launcher's is small, as
 * all of it is: what is forked a thousand times should be.
 */
export const NODE_FLAGS: Readonly<Record<'main' | 'worker' | 'launcher', readonly string[]>> = {
  main: ['--enable-source-maps'],
  worker: ['--enable-source-maps', '--max-semi-space-size=8'],
  launcher: ['--max-semi-space-size=1', '--max-old-space-size=64'],
};
