import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

/** What a line came to. */
export interface PastedLine {
  readonly line: string;
  readonly code: number;
  /** All that it said, errors too. */
  readonly said: string;
}

/** A line that takes longer hangs: it may read what is pasted behind it. */
const LINE_MS = 90_000;

/**
 * One bash into which somebody pastes line by line, as at a terminal: variables and functions stay,
 * what fails ends nothing, `!` is a word of the history, and what a command reads of its input is
 * what was pasted behind it.
 */
export class PastingShell {
  private readonly child: ChildProcess;
  private readonly mark = `pasted-${randomUUID()}`;
  private output = '';

  private constructor(cwd: string, environment: Readonly<Record<string, string>>) {
    const { PATH } = process.env;
    this.child = spawn('bash', ['--noprofile', '--norc'], { cwd, env: { PATH, ...environment } });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (piece: string) => (this.output += piece));
    }
    // Of a bash that has ended: whoever pastes is told by that.
    this.child.stdin?.on('error', (error) => (this.output += String(error)));
  }

  static async open(
    cwd: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<PastingShell> {
    const shell = new PastingShell(cwd, environment);
    // A failure in the middle of a pipe is one, also where a variable takes what comes out of it.
    await shell.paste('exec 2>&1; set -o history -o histexpand -o pipefail');
    return shell;
  }

  /** Pastes lines one after another, whatever they come to; several where one needs the next. */
  async pasteAll(text: string): Promise<PastedLine[]> {
    const results: PastedLine[] = [];
    for (const line of wholeLines(text)) results.push(await this.paste(line));
    return results;
  }

  /** Resolves when the line is over. Rejects if bash ends by it, or if it takes too long. */
  async paste(line: string): Promise<PastedLine> {
    const from = this.output.length;
    const end = new RegExp(`\\n${this.mark} (\\d+)\\n`);
    this.child.stdin?.write(`${line}\nprintf '\\n%s %s\\n' ${this.mark} $?\n`);
    const stop = AbortSignal.timeout(LINE_MS);
    for (;;) {
      const said = this.output.slice(from);
      const [found, code] = end.exec(said) ?? [];
      if (found !== undefined) {
        return { line, code: Number(code), said: said.slice(0, said.indexOf(found)) };
      }
      if (this.child.exitCode !== null) throw new Error(`bash has ended at: ${line}\n${said}`);
      const heard = new AbortController();
      const signal = AbortSignal.any([stop, heard.signal]);
      const more = [
        once(this.child.stdout ?? this.child, 'data', { signal }),
        once(this.child, 'exit', { signal }),
      ];
      await Promise.race(more).catch((cause: unknown) => {
        throw new Error(`no end of: ${line}\n${said}`, { cause });
      });
      // The other one listens no more.
      heard.abort();
      await Promise.allSettled(more);
    }
  }

  /** Ends bash, and waits for it. */
  async close(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.stdin?.end('exit\n');
    await ended;
  }
}

/** Lines, each with those that belong to it: of a quote, a function, a text that follows. */
export function wholeLines(text: string): string[] {
  const lines: string[] = [];
  let open = '';
  for (const line of text.split('\n')) {
    if (open === '' && line.trim() === '') continue;
    open = open === '' ? line : `${open}\n${line}`;
    if (!isWhole(open)) continue;
    lines.push(open);
    open = '';
  }
  if (open !== '') throw new Error(`it does not end: ${open}`);
  return lines;
}

function isWhole(text: string): boolean {
  if (text.endsWith('\\')) return false;
  const { status, stderr } = spawnSync('bash', ['-n'], { input: `${text}\n`, encoding: 'utf8' });
  return status === 0 && !stderr.includes('here-document');
}
