import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { LONGEST_LOG_ANSWER } from '../local-services.js';

/** Bytes that are copied at once. */
const PIECE = 256 * 1024;
/** What was written while the log was copied is copied, too: so often at most. */
const ROUNDS = 3;

/**
 * The outputs of an instance: a file that its processes append to themselves, so that they write on
 * when nobody of Millrace is there. Where it has grown past `maxBytes` its end becomes `log.1` (the
 * one before is gone), and it is emptied in its place: its writers have it open. What is written
 * between the last copy and that is lost.
 */
export class ServiceLog {
  readonly path: string;

  constructor(
    folder: string,
    private readonly maxBytes: number,
  ) {
    this.path = join(folder, 'log');
  }

  /**
   * Opens it for a process that is to be started, which may open it again by itself (`>
   * /dev/stderr`): so it is that user's.
   */
  open(owner: { readonly uid: number; readonly gid: number } | undefined): number {
    const fd = openSync(this.path, 'a', 0o600);
    fchmodSync(fd, 0o600);
    if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
    return fd;
  }

  /** To be called every second or so; costs one look at a file where nothing is to be done. */
  rotate(): void {
    const fd = openExisting(this.path, 'r+');
    if (fd === undefined) return;
    try {
      const { size } = fstatSync(fd);
      if (size <= this.maxBytes) return;
      this.keep(fd, size);
    } finally {
      // Also where the end could not be kept: a disk that is full gets its room back.
      if (fstatSync(fd).size > this.maxBytes) ftruncateSync(fd, 0);
      closeSync(fd);
    }
  }

  /** The last lines of both files, oldest first. */
  tail(lines: number): readonly string[] {
    const now = readEnd(this.path, LONGEST_LOG_ANSWER);
    const before = readEnd(`${this.path}.1`, LONGEST_LOG_ANSWER - now.length);
    const all = Buffer.concat([before, now]).toString('utf8').split('\n');
    if (all.at(-1) === '') all.pop();
    return all.slice(-lines);
  }

  private keep(fd: number, size: number): void {
    const draft = `${this.path}.new`;
    const copy = openSync(draft, 'w', 0o600);
    try {
      let from = Math.max(0, size - this.maxBytes);
      for (let round = 0, end = size; round < ROUNDS && from < end; round += 1) {
        from = copyRange(fd, copy, from, end);
        end = Math.min(fstatSync(fd).size, from + this.maxBytes);
      }
    } finally {
      closeSync(copy);
    }
    renameSync(draft, `${this.path}.1`);
  }
}

function copyRange(source: number, target: number, from: number, to: number): number {
  const buffer = Buffer.allocUnsafe(PIECE);
  let at = from;
  while (at < to) {
    const length = readSync(source, buffer, 0, Math.min(PIECE, to - at), at);
    if (length === 0) return at;
    writeSync(target, buffer, 0, length);
    at += length;
  }
  return at;
}

function readEnd(path: string, most: number): Buffer {
  const fd = openExisting(path, 'r');
  if (fd === undefined) return Buffer.alloc(0);
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(0, size - most);
    const buffer = Buffer.alloc(size - from);
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, from));
  } finally {
    closeSync(fd);
  }
}

function openExisting(path: string, flags: 'r' | 'r+'): number | undefined {
  try {
    return openSync(path, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
