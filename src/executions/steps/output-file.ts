import { open } from 'node:fs/promises';
import { constants } from 'node:fs';

/** Largest `$CI_OUTPUT` file, bytes. */
const MAX_BYTES = 64 * 1024;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export type StepOutputs =
  | { readonly kind: 'outputs'; readonly outputs: Readonly<Record<string, string>> }
  | { readonly kind: 'invalid'; readonly message: string };

/**
 * Reads the lines `NAME=value` that a step wrote to `$CI_OUTPUT`. The last line of a name counts; empty lines are skipped.
 * The file is the step's: a link, a folder or a pipe in its place is refused, never followed or waited for.
 */
export async function readOutputFile(
  path: string,
  declared: readonly string[],
): Promise<StepOutputs> {
  const text = await readBounded(path);
  if (text === 'absent') return { kind: 'outputs', outputs: {} };
  if (text === 'no_file') return invalid('$CI_OUTPUT is not a regular file any more');
  if (text === 'too_large') return invalid(`$CI_OUTPUT holds more than ${MAX_BYTES} bytes`);
  return parseOutputs(text.content, declared);
}

function parseOutputs(content: string, declared: readonly string[]): StepOutputs {
  const outputs = new Map<string, string>();
  for (const [index, line] of content.split('\n').entries()) {
    if (line.trim() === '') continue;
    const equals = line.indexOf('=');
    const name = line.slice(0, Math.max(equals, 0));
    if (!NAME.test(name)) return invalid(`line ${index + 1} of $CI_OUTPUT is not NAME=value`);
    if (!declared.includes(name)) {
      return invalid(
        `line ${index + 1} of $CI_OUTPUT sets ${name}, which is not in the step's outputs`,
      );
    }
    outputs.set(name, line.slice(equals + 1).replace(/\r$/, ''));
  }
  return { kind: 'outputs', outputs: Object.fromEntries(outputs) };
}

function invalid(message: string): StepOutputs {
  return { kind: 'invalid', message };
}

async function readBounded(
  path: string,
): Promise<'absent' | 'no_file' | 'too_large' | { readonly content: string }> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'absent';
    if (code === 'ELOOP' || code === 'ENXIO' || code === 'EISDIR') return 'no_file';
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return 'no_file';
    if (stat.size > MAX_BYTES) return 'too_large';
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    if (bytesRead > MAX_BYTES) return 'too_large';
    return { content: buffer.toString('utf8', 0, bytesRead) };
  } finally {
    await file.close();
  }
}
