import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

export interface RepositorySize {
  readonly commits: number;
  readonly files: number;
  /** Changed by each commit after the first. */
  readonly changedFiles: number;
}

/** About 60 MB as git stores it, 15 MB of files. */
export const REALISTIC: RepositorySize = { commits: 2000, files: 3000, changedFiles: 8 };

/**
 * Makes a bare repository whose files look like source code: short lines that hardly compress,
 * changed a little by each commit. The same every time.
 */
export async function makeLargeRepository(bare: string, size: RepositorySize): Promise<void> {
  await git(['init', '-q', '--bare', '-b', 'main', bare]);
  const child = spawn('git', ['--git-dir', bare, 'fast-import', '--quiet'], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const ended = once(child, 'exit');
  const text = new Noise();
  const contents = Array.from({ length: size.files }, (_, index) =>
    text.take(2000 + ((index * 7919) % 6000)),
  );
  for (let number = 0; number < size.commits; number++) {
    const changed =
      number === 0
        ? contents.map((_, index) => index)
        : Array.from(
            { length: size.changedFiles },
            (_, index) => (number * 37 + index * 101) % size.files,
          );
    const message = `commit ${number}`;
    const from = number === 0 ? '' : `from :${number}\n`;
    await write(
      child.stdin,
      `commit refs/heads/main\nmark :${number + 1}\ncommitter Ada <ada@example.com> ${1_700_000_000 + number} +0000\n` +
        `data ${message.length}\n${message}\n${from}`,
    );
    for (const index of changed) {
      const old = contents[index] ?? '';
      const content =
        number === 0 ? old : old.slice(0, 200) + text.take(old.length - 400) + old.slice(-200);
      contents[index] = content;
      const path = `src/part-${index % 60}/area-${index % 7}/file-${index}.ts`;
      await write(child.stdin, `M 644 inline ${path}\ndata ${content.length}\n${content}\n`);
    }
    await write(child.stdin, '\n');
  }
  child.stdin.end();
  await ended;
  await git(['--git-dir', bare, 'repack', '-adq']);
}

/** Runs git; its stdout. */
export async function git(args: readonly string[]): Promise<string> {
  const child = spawn('git', [...args], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}`);
  return output.trim();
}

class Noise {
  private count = 0;

  take(length: number): string {
    let text = '';
    while (text.length < length) {
      text += `${createHash('sha512').update(String(this.count++)).digest('base64').slice(0, 60)}\n`;
    }
    return text.slice(0, length);
  }
}

async function write(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}
