import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import type { ContainerUser } from './container-runtime.js';

/** A header of tar, and the unit of all in it; see "ustar" in POSIX pax. */
const BLOCK_BYTES = 512;
const SIZE_AT = 124;
const SIZE_LENGTH = 12;

/** A user that needs no look into the image; undefined: names are in it, or a group is missing. */
export function numberedUser(user: string): ContainerUser | undefined {
  if (user === '' || user === 'root' || user === '0' || user === '0:0') return { uid: 0, gid: 0 };
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(user) ?? [];
  return uid === undefined || gid === undefined
    ? undefined
    : { uid: Number(uid), gid: Number(gid) };
}

/**
 * The numbers of a user by the files of an image, as engines take them; undefined where these do
 * not have it.
 *
 * @param read a file of the image as a tar archive with that one entry
 */
export async function userInFiles(
  user: string,
  read: (path: string) => Promise<Readable | undefined>,
): Promise<ContainerUser | undefined> {
  const [name = '', group] = user.split(':');
  const users = await linesOf(read, '/etc/passwd');
  const entry = users.find(([first, , uid]) => first === name || uid === name);
  const uid = entry?.[2] ?? (/^\d+$/.test(name) ? name : undefined);
  if (uid === undefined) return undefined;
  if (group === undefined) return { uid: Number(uid), gid: Number(entry?.[3] ?? 0) };
  if (/^\d+$/.test(group)) return { uid: Number(uid), gid: Number(group) };
  const groups = await linesOf(read, '/etc/group');
  const gid = groups.find(([first]) => first === group)?.[2];
  return gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

async function linesOf(
  read: (path: string) => Promise<Readable | undefined>,
  path: string,
): Promise<string[][]> {
  const archive = await read(path);
  if (archive === undefined) return [];
  const bytes = await buffer(archive);
  const size = parseInt(bytes.toString('latin1', SIZE_AT, SIZE_AT + SIZE_LENGTH), 8) || 0;
  const text = bytes.toString('utf8', BLOCK_BYTES, BLOCK_BYTES + size);
  return text.split('\n').map((line) => line.split(':'));
}
