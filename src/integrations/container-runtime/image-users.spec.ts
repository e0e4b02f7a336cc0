import { Readable } from 'node:stream';
import { numberedUser, userInFiles } from './image-users.js';

function archive(name: string, text: string): Readable {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write(Buffer.byteLength(text).toString(8).padStart(11, '0'), 124);
  return Readable.from([header, Buffer.from(text), Buffer.alloc(512)]);
}

const FILES = new Map([
  ['/etc/passwd', 'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\n7:x:70:71::/:\n'],
  ['/etc/group', 'root:x:0:\nstaff:x:50:app\n'],
]);
const read = async (path: string): Promise<Readable | undefined> => {
  const text = FILES.get(path);
  return text === undefined ? undefined : archive(path, text);
};

describe('userInFiles', () => {
  it.each([
    ['app', { uid: 1000, gid: 1001 }],
    ['app:staff', { uid: 1000, gid: 50 }],
    ['app:5', { uid: 1000, gid: 5 }],
    ['1000', { uid: 1000, gid: 1001 }],
    ['1234', { uid: 1234, gid: 0 }],
    // A name made of digits is a name first, as the engines have it.
    ['7', { uid: 70, gid: 71 }],
    ['ghost', undefined],
    ['app:ghosts', undefined],
    ['constructor', undefined],
  ])('%s', async (user, found) => {
    expect(await userInFiles(user, read)).toEqual(found);
  });

  it('finds only numbers where the image has no such file', async () => {
    const nothing = async (): Promise<undefined> => undefined;
    expect(await userInFiles('app', nothing)).toBeUndefined();
    expect(await userInFiles('12', nothing)).toEqual({ uid: 12, gid: 0 });
  });
});

describe('numberedUser', () => {
  it.each([
    ['', { uid: 0, gid: 0 }],
    ['root', { uid: 0, gid: 0 }],
    ['5:6', { uid: 5, gid: 6 }],
    ['5', undefined],
    ['app', undefined],
  ])('%j', (user, found) => {
    expect(numberedUser(user)).toEqual(found);
  });
});
