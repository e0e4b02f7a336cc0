import { tmpdir } from 'node:os';
import { runGit } from './git-program.js';

describe('the git program', () => {
  it.each([
    ['ends well', 'exit 0', 0],
    ['fails', 'exit 3', 3],
    ['is killed by a real-time signal', 'kill -40 $$', 168],
    ['is killed', 'kill -9 $$', 137],
  ])('that %s has its exit code', async (_, line, code) => {
    const outcome = await runGit({
      program: '/bin/sh',
      args: ['-c', line],
      directory: tmpdir(),
      url: 'https://example.org/r.git',
      settings: [],
      environment: {},
      maxMemoryBytes: 2 ** 30,
      signal: new AbortController().signal,
      onLine: () => undefined,
    });
    expect(outcome.exitCode).toBe(code);
  });
});
