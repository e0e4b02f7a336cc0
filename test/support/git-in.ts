import { execFileSync } from 'node:child_process';

/** Runs git in a folder as somebody whose home has no settings; its standard output. */
export function gitIn(home: string, folder: string, ...args: readonly string[]): string {
  return execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: home },
    encoding: 'utf8',
    stdio: 'pipe',
  });
}
