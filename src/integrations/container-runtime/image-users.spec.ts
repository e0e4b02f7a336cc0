import { PassThrough, Readable } from 'node:stream';
import { EngineAwayError } from './container-runtime.js';
import { numberedUser, userInFiles } from './image-users.js';

function headerOf(name: string, size: number, type = '0'): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write(size.toString(8).padStart(11, '0'), 124);
  header.write(type, 156);
  return header;
}

function archive(name: string, text: string): Readable {
  const header = headerOf(name, Buffer.byteLength(text));
  return Readable.from([header, Buffer.from(text), Buffer.alloc(512)]);
}

const MEBIBYTE = 1024 * 1024;

const FILES = new Map([
  [
    '/etc/passwd',
    'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\n7:x:70:71::/:\nodd:x:1e3:5::/:\neven:x:5:x::/:\n',
  ],
  ['/etc/group', 'root:x:0:\nstaff:x:50:app\nnone:x::\n'],
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
    ['odd', undefined],
    ['even', undefined],
    ['even:6', { uid: 5, gid: 6 }],
    ['app:none', undefined],
    ['4294967296', undefined],
    ['5:99999999999', undefined],
  ])('%s', async (user, found) => {
    expect(await userInFiles(user, read)).toEqual(found);
  });

  it('finds only numbers where the image has no such file', async () => {
    const nothing = async (): Promise<undefined> => undefined;
    expect(await userInFiles('app', nothing)).toBeUndefined();
    expect(await userInFiles('12', nothing)).toEqual({ uid: 12, gid: 0 });
  });

  it('reads the beginning of a file that is too large, and refuses it', async () => {
    let sent = 0;
    const stream = Readable.from(
      (function* () {
        yield headerOf('passwd', 50 * 1024 * MEBIBYTE);
        for (; sent < 100; sent += 1) yield Buffer.alloc(MEBIBYTE);
      })(),
      { highWaterMark: 1 },
    );
    expect(await userInFiles('12', async () => stream)).toBeUndefined();
    expect(stream.destroyed).toBe(true);
    expect(sent).toBeLessThan(5);
  });

  it.each(['5', '2'])('reads nothing of what is no file (type %s)', async (type) => {
    const stream = new PassThrough();
    stream.write(headerOf('passwd', 0, type));
    expect(await userInFiles('12', async () => stream)).toEqual({ uid: 12, gid: 0 });
    expect(stream.destroyed).toBe(true);
  });

  it('does not wait for ever, nor takes a part of a file for all of it', async () => {
    const stream = new PassThrough();
    stream.write(headerOf('passwd', 100));
    await expect(userInFiles('app', async () => stream, 20)).rejects.toThrow(EngineAwayError);
    expect(stream.destroyed).toBe(true);
    const short = async (): Promise<Readable> => Readable.from([headerOf('passwd', 100)]);
    await expect(userInFiles('app', short)).rejects.toThrow(EngineAwayError);
  });
});

describe('numberedUser', () => {
  it.each([
    ['', { uid: 0, gid: 0 }],
    ['root', { uid: 0, gid: 0 }],
    ['5:6', { uid: 5, gid: 6 }],
    ['5', undefined],
    ['app', undefined],
    ['5:6:7', undefined],
    ['5:4294967296', undefined],
  ])('%j', (user, found) => {
    expect(numberedUser(user)).toEqual(found);
  });
});
