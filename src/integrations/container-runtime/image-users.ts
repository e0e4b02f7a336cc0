import type { Readable } from 'node:stream';
import type { ContainerUser } from './container-runtime.js';
import { asked } from './docker-errors.js';

/** A header of tar, and the unit of all in it; see "ustar" in POSIX pax. */
const BLOCK_BYTES = 512;
const SIZE_AT = 124;
const SIZE_LENGTH = 12;
const TYPE_AT = 156;
const PLAIN_FILE = new Set(['0', '\0']);
const LINK_OR_FOLDER = new Set(['2', '5']);
/** Of one file: images come from anybody, and all of it is held in memory. */
const MAX_BYTES = 1024 * 1024;
/** For an engine to send one file, ms. */
const READ_MS = 30_000;
/** The highest number that engines take. */
const MAX_ID = 2 ** 31 - 1;

/** A user that needs no look into the image; undefined: names are in it, or a group is missing. */
export function numberedUser(user: string): ContainerUser | undefined {
  if (user === '' || user === 'root' || user === '0' || user === '0:0') return { uid: 0, gid: 0 };
  const [uid, gid, ...more] = user.split(':').map(idOf);
  return uid === undefined || gid === undefined || more.length > 0 ? undefined : { uid, gid };
}

/**
 * The numbers of a user by the files of an image, as engines take them; undefined where these do
 * not have it, or one is larger than 1 MiB.
 *
 * @param read a file of the image as a tar archive with that one entry; it is read no further than
 *   that
 * @throws EngineAwayError when the archive breaks off, or does not come in time
 */
export async function userInFiles(
  user: string,
  read: (path: string) => Promise<Readable | undefined>,
  readMs = READ_MS,
): Promise<ContainerUser | undefined> {
  const [name = '', group] = user.split(':');
  const users = await linesOf(read, '/etc/passwd', readMs);
  const entry = users?.find(([first, , uid]) => first === name || uid === name);
  const uid = idOf(entry?.[2] ?? name);
  if (users === undefined || uid === undefined) return undefined;
  const gid = await groupIn(read, group ?? entry?.[3] ?? '0', readMs);
  return gid === undefined ? undefined : { uid, gid };
}

async function groupIn(
  read: (path: string) => Promise<Readable | undefined>,
  group: string,
  readMs: number,
): Promise<number | undefined> {
  const number = idOf(group);
  if (number !== undefined) return number;
  const groups = await linesOf(read, '/etc/group', readMs);
  return idOf(groups?.find(([first]) => first === group)?.[2] ?? '');
}

function idOf(text: string): number | undefined {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return id <= MAX_ID ? id : undefined;
}

/** None where there is no such file, or no file of that name; undefined: it is not to be read. */
async function linesOf(
  read: (path: string) => Promise<Readable | undefined>,
  path: string,
  readMs: number,
): Promise<string[][] | undefined> {
  const archive = await read(path);
  if (archive === undefined) return [];
  try {
    const text = await asked(textIn(archive), readMs);
    return text?.split('\n').map((line) => line.split(':'));
  } finally {
    // The engine would send the rest, however much it is.
    archive.destroy();
  }
}

async function textIn(archive: Readable): Promise<string | undefined> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of archive as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length < BLOCK_BYTES) continue;
    const type = bytes.toString('latin1', TYPE_AT, TYPE_AT + 1);
    if (LINK_OR_FOLDER.has(type)) return '';
    const size = parseInt(bytes.toString('latin1', SIZE_AT, SIZE_AT + SIZE_LENGTH), 8);
    if (!PLAIN_FILE.has(type) || !(size <= MAX_BYTES)) return undefined;
    if (bytes.length >= BLOCK_BYTES + size) {
      return bytes.toString('utf8', BLOCK_BYTES, BLOCK_BYTES + size);
    }
  }
  throw new Error('the archive of a file ended before the file');
}
