/**
 * Flags of Node for each server program. The script `millrace` has the same ones for `serve`; a
 * spec holds the two together.
 *
 * The worker's new space: by default Node 24 lets it grow to 128 MiB, which a step that prints a
 * lot fills with dead copies of its output before they are collected.
 */
export const NODE_FLAGS: Readonly<Record<'main' | 'worker', readonly string[]>> = {
  main: ['--enable-source-maps'],
  worker: ['--enable-source-maps', '--max-semi-space-size=8'],
};
