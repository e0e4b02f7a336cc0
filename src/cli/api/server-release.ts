import { askVersion } from './server-health.js';

/** Whoever waits for an error does not wait long for its hint. */
const TIMEOUT_MS = 2_000;

/**
 * The version that a server says it is; `undefined` when it does not say. Never throws: it serves
 * another error's hint.
 */
export async function serverVersion(baseUrl: string): Promise<string | undefined> {
  try {
    return (await askVersion(baseUrl, TIMEOUT_MS))?.slice(0, 50);
  } catch {
    return undefined; // The hint says that it is not known.
  }
}

/**
 * What to do when a server has no such route, or takes no such method there: versions of it and of
 * this command.
 */
export function releaseHints(server: string | undefined, own: string): string[] {
  if (server === undefined) {
    return [
      `Check the address; the server may also be older than this command, which is Millrace ${own}.`,
    ];
  }
  const order = compareVersions(server, own);
  if (order < 0) {
    return [
      `The server is Millrace ${server}, older than this command (${own}): update it, or use the command of its release.`,
    ];
  }
  if (order > 0) {
    return [
      `The server is Millrace ${server}, newer than this command (${own}): use the command of its release.`,
    ];
  }
  return [
    `Both are Millrace ${own}; the server may be an older build of it: use the command that came with it.`,
  ];
}

/** True when the API may differ: another major or minor number. */
export function isOtherRelease(server: string, own: string): boolean {
  const [a, b] = [numbers(server), numbers(own)];
  return a[0] !== b[0] || a[1] !== b[1];
}

function compareVersions(one: string, other: string): number {
  const [a, b] = [numbers(one), numbers(other)];
  const index = a.findIndex((number, at) => number !== b[at]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}

/** Major, minor, patch; -1 for what is no number. */
function numbers(version: string): number[] {
  const [, ...parts] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return [0, 1, 2].map((index) => Number(parts[index] ?? -1));
}
