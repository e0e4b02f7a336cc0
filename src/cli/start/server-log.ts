import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { homeError } from '../../config/paths.js';
import { RotatingLog } from '../../embedded/supervision/rotating-log.js';
import type { Terminal } from '../terminal/terminal.js';

const MAX_BYTES = 20 * 1024 * 1024;

interface LogRecord {
  readonly level?: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string };
}

/**
 * What the server's processes print: all of it goes to one file, and what a person should see is
 * shown on the terminal: warnings and errors in one line each, and what is no JSON as it is.
 */
export class ServerLog {
  readonly path: string;
  private readonly file: RotatingLog;
  private readonly rests = new Map<string, Buffer>();

  constructor(
    home: string,
    private readonly showAll: boolean,
    private readonly terminal: Terminal,
  ) {
    const folder = join(home, 'logs');
    this.path = join(folder, 'server.log');
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      this.file = new RotatingLog(this.path, MAX_BYTES);
    } catch (error) {
      throw homeError(home, error);
    }
  }

  write(source: string, bytes: Buffer): void {
    const text = Buffer.concat([this.rests.get(source) ?? Buffer.alloc(0), bytes]);
    const end = text.lastIndexOf(0x0a) + 1;
    this.rests.set(source, text.subarray(end));
    if (end === 0) return;
    const lines = text.subarray(0, end);
    for (const line of lines.toString('utf8').trimEnd().split('\n')) this.show(source, line);
  }

  close(): void {
    this.file.close();
  }

  private show(source: string, line: string): void {
    const record = parse(line);
    // What is no record is for the person only, such as the token at the first start: no file keeps
    // it.
    if (record === undefined) {
      this.terminal.say(line);
      return;
    }
    this.file.write(Buffer.from(`${line}\n`));
    if (this.showAll) this.terminal.print(line);
    else if (isForPeople(record)) this.terminal.say(this.summary(source, record));
  }

  private summary(source: string, { level, msg, err }: LogRecord): string {
    const cause = err?.message ? ` (${err.message})` : '';
    const style = level === 'warn' ? 'yellow' : 'red';
    return this.terminal.paint(style, `${source}: ${msg ?? ''}${cause}`);
  }
}

function parse(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as LogRecord;
  } catch {
    return undefined;
  }
}

function isForPeople({ level }: LogRecord): boolean {
  return level === 'warn' || level === 'error' || level === 'fatal';
}
