import { quoted } from '../../common/values/redact-urls.js';

/** Code, message and suggestion, as the readers of YAML have them. */
export type PathProblem = readonly [string, string, string?];

/**
 * What is wrong with a pattern of artifacts; undefined: nothing. It is relative to the workspace
 * and never leaves it, not even on a way that leads back in: `a/../b` is `b`.
 */
export function artifactPathProblem(pattern: string): PathProblem | undefined {
  const said = `"${quoted(pattern, 100)}"`;
  if (/^([/\\~]|[A-Za-z]:)/.test(pattern)) {
    return [
      'invalid_path',
      `${said} is not relative to the workspace.`,
      'Write it relative to the workspace: dist/**',
    ];
  }
  if (pattern.includes('\\')) {
    return ['invalid_path', `${said} holds a backslash.`, 'Write / between folders'];
  }
  if (pattern.startsWith('!')) {
    return ['invalid_path', `${said} leaves out; paths only name what is kept.`, 'Remove it'];
  }
  // Also as one of the choices of `{a,..}`.
  if (pattern.split(/[/{},]/).includes('..')) {
    return ['invalid_path', `${said} may lead out of the workspace.`, 'Write it without ".."'];
  }
  if (segments(pattern).length === 0) {
    return ['invalid_path', `${said} names no file.`, 'Write ** for everything'];
  }
  return undefined;
}

/** Names of folders and files, without those that lead nowhere. */
function segments(pattern: string): string[] {
  return pattern.split('/').filter((part) => part !== '' && part !== '.');
}
