import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { nameRecord } from '../../../common/values/name-record.js';
import type { Workspace } from '../../../workspaces/workspace.js';

/** Largest `$CI_OUTPUT` file, bytes. */
const MAX_BYTES = 64 * 1024;
/** `NAME=value`, or `NAME<<END` before lines of text and a line `END`. */
const FIRST_LINE = /^([A-Za-z_][A-Za-z0-9_]*)(=|<<)(.*)$/s;

export type StepOutputs =
  | { readonly kind: 'outputs'; readonly outputs: Readonly<Record<string, string>> }
  | { readonly kind: 'invalid'; readonly message: string };

/**
 * The `$CI_OUTPUT` file of one try of a step. It is made in a folder where the step cannot make,
 * rename or remove anything, and read by the descriptor that made it: whatever the step does with
 * the path, nothing else is ever read, or waited for.
 */
export class OutputFile {
  private constructor(
    readonly path: string,
    private readonly descriptor: number,
  ) {}

  static make(workspace: Workspace, number: number): OutputFile {
    const { owner } = workspace;
    const file = OutputFile.open(outputFilePath(workspace, number));
    if (owner) fchownSync(file.descriptor, owner.uid, owner.gid);
    return file;
  }

  /** A new file, closed to all but the server's user. */
  static open(path: string): OutputFile {
    return new OutputFile(path, openSync(path, 'wx+', 0o600));
  }

  /** What the step set; the last value of a name counts, empty lines are skipped. */
  read(declared: readonly string[]): StepOutputs {
    const text = this.readText();
    if (typeof text !== 'string') return text;
    const { outputs, problem } = parseOutputs(text, declared);
    if (problem !== undefined) return invalid(problem);
    return { kind: 'outputs', outputs };
  }

  /**
   * What a step that did not succeed had set whole: entries that end with a line feed and may be
   * set.
   */
  readWhole(declared: readonly string[]): Readonly<Record<string, string>> {
    const text = this.readText();
    if (typeof text !== 'string') return {};
    return parseOutputs(text.slice(0, text.lastIndexOf('\n') + 1), declared).outputs;
  }

  /** Closes and removes it. */
  close(): void {
    closeSync(this.descriptor);
    rmSync(this.path, { force: true });
  }

  private readText(): string | Extract<StepOutputs, { kind: 'invalid' }> {
    const { nlink, size } = fstatSync(this.descriptor);
    if (nlink === 0) {
      return invalid('$CI_OUTPUT was removed or replaced; write into the file that is there');
    }
    if (size > MAX_BYTES) return invalid(`$CI_OUTPUT holds more than ${MAX_BYTES} bytes`);
    const buffer = Buffer.alloc(size);
    const bytes = buffer.subarray(0, readSync(this.descriptor, buffer, 0, size, 0));
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return invalid(`line ${badLine(bytes)} of $CI_OUTPUT is not UTF-8`);
    }
  }
}

/** Where the `$CI_OUTPUT` file of a try is, before there is one. */
export function outputFilePath({ root }: Pick<Workspace, 'root'>, number: number): string {
  return join(root, `outputs-${number}`);
}

/**
 * A script that is too long for the command line, readable for the step and for nobody else, in a
 * folder of the server's.
 */
export function makeScriptFile(
  { root, owner }: Workspace,
  number: number,
  text: string,
): { readonly path: string; remove(): void } {
  const path = join(root, `script-${number}`);
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    writeAll(descriptor, text);
    if (owner) fchownSync(descriptor, process.getuid?.() ?? 0, owner.gid);
    fchmodSync(descriptor, owner ? 0o440 : 0o400);
  } finally {
    closeSync(descriptor);
  }
  return { path, remove: () => rmSync(path, { force: true }) };
}

interface Parsed {
  readonly outputs: Readonly<Record<string, string>>;
  /** The first thing that is wrong; what is right is in `outputs` all the same. */
  readonly problem: string | undefined;
}

function parseOutputs(text: string, declared: readonly string[]): Parsed {
  const outputs = new Map<string, string>();
  const lines = text.split('\n');
  let problem: string | undefined;
  const note = (index: number, what: string): void => {
    problem ??= `line ${index + 1} of $CI_OUTPUT ${what}`;
  };
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] as string;
    const begin = index;
    if (line.trim() === '') continue;
    const [, name, mark, rest] = FIRST_LINE.exec(line) ?? [];
    if (name === undefined || rest === undefined) {
      note(begin, 'is not NAME=value');
      continue;
    }
    let value = withoutReturn(rest);
    if (mark === '<<') {
      const end = findEnd(lines, index, value);
      if (end === undefined) {
        note(begin, `begins ${name}<<${value}, and no line ${value} ends it`);
        continue;
      }
      value = lines.slice(index + 1, end).join('\n');
      index = end;
    }
    if (!declared.includes(name)) note(begin, `sets ${name}, which is not in the step's outputs`);
    else if (value.includes('\0')) note(begin, `sets ${name} to a text with a NUL character`);
    else outputs.set(name, value);
  }
  return { outputs: nameRecord(outputs), problem };
}

/**
 * The line that ends what `NAME<<delimiter` begins; undefined when there is none, or no delimiter.
 */
function findEnd(lines: readonly string[], begin: number, delimiter: string): number | undefined {
  if (delimiter === '') return undefined;
  const after = lines.slice(begin + 1).findIndex((line) => withoutReturn(line) === delimiter);
  return after < 0 ? undefined : begin + 1 + after;
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function invalid(message: string): Extract<StepOutputs, { kind: 'invalid' }> {
  return { kind: 'invalid', message };
}

/** Number of the first line that is not UTF-8. */
function badLine(bytes: Buffer): number {
  const text = bytes.toString('utf8');
  return text.slice(0, text.indexOf('\ufffd')).split('\n').length;
}

function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;) {
    written += writeSync(descriptor, bytes, written);
  }
}
