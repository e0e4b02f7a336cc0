import { detection } from '../api/wire-readers.js';
import { type ClientFlags, Session } from '../client/session.js';
import { exitCodes } from '../command/exit-codes.js';
import type { Terminal } from '../terminal/terminal.js';
import { detectionLines } from './detection-lines.js';

export interface DetectRepositoryFlags extends ClientFlags {
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  readonly path?: string;
  readonly type?: string;
}

/** Asks a server what a repository holds. Exit codes as of `detectCommand`. */
export async function detectRepository(
  repository: string,
  { branch, tag, commit, path, type, ...flags }: DetectRepositoryFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const request = {
    method: 'POST',
    path: '/api/detect',
    body: { repository, branch, tag, commit, path, type },
  };
  const { value, json } = await session.api.read(request, detection);
  if (session.json) session.printJson(json);
  else for (const line of detectionLines(value, terminal)) terminal.print(line);
  return value.outcome === 'detected' ? exitCodes.success : exitCodes.failed;
}
