import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type LeftOutReason, reasonOrThrow } from '../tree/left-out.js';
import type { TreeFolder } from '../tree/tree-folder.js';

/** A file as it was at one moment. */
export interface FileSnapshot {
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs: number;
  /** Its bytes, or a copy that has no name any more; whoever takes it closes it. */
  readonly content: Buffer | FileHandle;
}

export interface SnapshotRules {
  /** A folder of ours alone, for copies of files over 1 MiB. */
  readonly scratch: string;
  /** Called with the size before a byte is read; throws where that is too much. */
  readonly checkSize: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Larger files are copied to the disk and not into memory. */
const IN_MEMORY = 2 ** 20;
const PIECE = 2 ** 18;
const ATTEMPTS = 2;

/**
 * Reads a file of a tree that others write. A header of tar tells the size before the content, so a
 * file is read whole first, and is taken only when its size and its time of change are the same
 * before and after. It is tried twice; then it is `changing`. Without rules a file over 1 MiB is
 * not read: `large`.
 */
export async function takeSnapshot(
  parent: TreeFolder,
  name: string,
  rules: SnapshotRules,
): Promise<FileSnapshot | LeftOutReason>;
export async function takeSnapshot(
  parent: TreeFolder,
  name: string,
): Promise<FileSnapshot | LeftOutReason | 'large'>;
export async function takeSnapshot(
  parent: TreeFolder,
  name: string,
  rules?: SnapshotRules,
): Promise<FileSnapshot | LeftOutReason | 'large'> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const taken = await attemptSnapshot(parent, name, rules);
    if (taken !== 'changing') return taken;
  }
  return 'changing';
}

async function attemptSnapshot(
  parent: TreeFolder,
  name: string,
  rules: SnapshotRules | undefined,
): Promise<FileSnapshot | LeftOutReason | 'large'> {
  const file = await parent.file(name).catch(reasonOrThrow);
  if (typeof file === 'string') return file;
  try {
    const before = await file.stat({ bigint: true });
    if (!before.isFile()) return before.isDirectory() ? 'vanished' : 'special_file';
    const size = Number(before.size);
    const isSmall = size <= IN_MEMORY;
    if (!rules && !isSmall) return 'large';
    rules?.checkSize(size);
    const content = isSmall || !rules ? await read(file, size) : await copyFile(file, size, rules);
    if (content === undefined) return 'changing';
    if (!isSame(before, await file.stat({ bigint: true }))) {
      if (!Buffer.isBuffer(content)) await content.close();
      return 'changing';
    }
    const mtimeMs = Number(before.mtimeNs / 1_000_000n);
    return { size, mode: Number(before.mode), mtimeMs, content };
  } finally {
    await file.close();
  }
}

/** All bytes; undefined: there are more or fewer. */
async function read(file: FileHandle, size: number): Promise<Buffer | undefined> {
  // One more than there should be, to see that there is no more.
  const bytes = Buffer.allocUnsafe(size + 1);
  // Of a file less is read than is asked for only where it ends.
  const { bytesRead } = await file.read(bytes, 0, bytes.length);
  return bytesRead === size ? bytes.subarray(0, size) : undefined;
}

/** A copy that is gone when it is closed; undefined: there are more or fewer bytes. */
async function copyFile(
  file: FileHandle,
  size: number,
  { scratch, signal }: SnapshotRules,
): Promise<FileHandle | undefined> {
  const path = join(scratch, `snapshot-${randomUUID()}`);
  const copy = await open(path, 'wx+', 0o600);
  let isWhole = false;
  try {
    await unlink(path);
    const piece = Buffer.allocUnsafe(PIECE);
    let length = 0;
    while (length <= size) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(piece, 0, piece.length);
      if (bytesRead === 0) break;
      await copy.writev([piece.subarray(0, bytesRead)], length);
      length += bytesRead;
    }
    isWhole = length === size;
    return isWhole ? copy : undefined;
  } finally {
    if (!isWhole) await copy.close();
  }
}

function isSame(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs;
}
