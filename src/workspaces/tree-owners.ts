import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { HandOverRequest } from './hand-over.js';

/** Gives trees of files to users. */
export interface TreeOwners {
  /** @throws HandOverError */
  give(request: HandOverRequest): Promise<void>;
}

export class HandOverError extends Error {
  constructor(message: string) {
    super(`the workspace cannot be given to the user of the step: ${message}`);
    this.name = 'HandOverError';
  }
}

/** By a process of root that can see nothing but the tree. */
export class ChrootTreeOwners implements TreeOwners {
  /** @param program built entry `hand-over` */
  constructor(private readonly program: string) {}

  async give(request: HandOverRequest): Promise<void> {
    const child = spawn(process.execPath, [this.program, JSON.stringify(request)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {},
      cwd: '/',
    });
    const [said, [code]] = await Promise.all([
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    if (code !== 0) throw new HandOverError(lastLine(said) || `exit code ${code}`);
  }
}

/** Node prints the line of code first, and the error behind it. */
function lastLine(said: string): string {
  const errors = said.split('\n').filter((line) => /Error: /.test(line));
  return (errors[0] ?? said.trim().split('\n').at(-1) ?? '').trim();
}
