import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeScriptFile, OutputFile } from './output-file.js';

const isRoot = process.getuid?.() === 0;
const owner = isRoot ? { name: 'step', uid: 54321, gid: 54321 } : undefined;

describe('$CI_OUTPUT', () => {
  let root: string;
  let file: OutputFile;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mr-outputs-'));
    file = OutputFile.make({ root, directory: '', home: '', temporary: '', owner }, 1);
  });
  afterEach(() => {
    file.close();
    expect(existsSync(file.path)).toBe(false);
    rmSync(root, { recursive: true });
  });

  it('is never something that stood there before', () => {
    const workspace = { root, directory: '', home: '', temporary: '', owner };
    writeFileSync(join(root, 'target'), 'kept');
    execFileSync('ln', ['-s', 'target', join(root, 'outputs-3')]);
    execFileSync('mkfifo', [join(root, 'outputs-4')]);
    for (const number of [3, 4]) {
      expect(() => OutputFile.make(workspace, number)).toThrow('EEXIST');
    }
    expect(readFileSync(join(root, 'target'), 'utf8')).toBe('kept');
  });

  const read = (text: string | Buffer) => {
    writeFileSync(file.path, text);
    return file.read(['a', 'b']);
  };

  it("is the step's own file, and empty at first", () => {
    const { uid, mode, size } = statSync(file.path);
    expect([uid, mode & 0o777, size]).toEqual([owner?.uid ?? process.getuid?.(), 0o600, 0]);
    expect(file.read(['a'])).toEqual({ kind: 'outputs', outputs: {} });
  });

  it('is what was made, whatever stands at its path later, and nobody waits for that', () => {
    const secret = join(root, 'secret');
    writeFileSync(secret, 'a=stolen\n');
    for (const attack of [
      'ln -sf "$2" "$1"',
      'rm "$1"; ln "$2" "$1"',
      'rm "$1"; mkfifo "$1"',
      'rm "$1"; mkdir "$1"; rmdir "$1"',
      'echo a=1 > "$1.new"; mv "$1.new" "$1"',
    ]) {
      const other = OutputFile.make({ root, directory: '', home: '', temporary: '', owner }, 2);
      execFileSync('/bin/sh', ['-c', attack, 'sh', other.path, secret]);
      expect([attack, other.read(['a'])]).toEqual([
        attack,
        { kind: 'invalid', message: expect.stringContaining('removed or replaced') as string },
      ]);
      expect(other.readWhole(['a'])).toEqual({});
      other.close();
    }
  });

  it.each([
    ['a=1\nb=x y=z\n', { a: '1', b: 'x y=z' }],
    ['a=1\n\na=2', { a: '2' }],
    ['a<<EOF\n1\n\n 2 \nEOF\nb=3\n', { a: '1\n\n 2 ', b: '3' }],
    ['a<<b=c\nx\nb=c\n', { a: 'x' }],
  ])('%j', (text, outputs) => {
    expect(read(text)).toEqual({ kind: 'outputs', outputs });
  });

  it.each([
    ['a=1\n=2\n', 'line 2 of $CI_OUTPUT is not NAME=value'],
    ['c=1', "line 1 of $CI_OUTPUT sets c, which is not in the step's outputs"],
    ['a<<\n1\n', 'line 1 of $CI_OUTPUT begins a<<, and no line  ends it'],
    ['a=1\nb<<X\n1\nX1\n', 'line 2 of $CI_OUTPUT begins b<<X, and no line X ends it'],
    ['a=1\nb=x\0y\n', 'line 2 of $CI_OUTPUT sets b to a text with a NUL character'],
    [Buffer.from([97, 61, 49, 10, 98, 61, 0xff]), 'line 2 of $CI_OUTPUT is not UTF-8'],
  ])('refuses %j', (text, message) => {
    expect(read(text)).toEqual({ kind: 'invalid', message });
  });

  it('refuses more than 64 KiB', () => {
    const message = '$CI_OUTPUT holds more than 65536 bytes';
    expect(read('a'.repeat(65_537))).toEqual({ kind: 'invalid', message });
  });

  it.each([
    ['a=1\nb=cut', { a: '1' }],
    ['a=1\nb<<X\ncut\n', { a: '1' }],
    ['c=1\nno pair\nb=2\n', { b: '2' }],
    ['', {}],
  ])('keeps of %j what is whole', (text, outputs) => {
    writeFileSync(file.path, text);
    expect(file.readWhole(['a', 'b'])).toEqual(outputs);
  });
});

describe('the file of a long script', () => {
  it('can be read by the step and by nobody else, and nothing in its place is written', () => {
    const root = mkdtempSync(join(tmpdir(), 'mr-script-'));
    const workspace = { root, directory: '', home: '', temporary: '', owner };
    const script = makeScriptFile(workspace, 1, 'echo é');
    const { uid, gid, mode } = statSync(script.path);
    expect(readFileSync(script.path, 'utf8')).toBe('echo é');
    expect([uid, mode & 0o777]).toEqual([process.getuid?.(), owner ? 0o440 : 0o400]);
    if (owner) expect(gid).toBe(owner.gid);
    script.remove();
    expect(existsSync(script.path)).toBe(false);

    writeFileSync(join(root, 'target'), 'kept');
    execFileSync('ln', ['-s', 'target', join(root, 'script-2')]);
    execFileSync('mkfifo', [join(root, 'script-3')]);
    for (const number of [2, 3]) {
      expect(() => makeScriptFile(workspace, number, 'x')).toThrow('EEXIST');
    }
    expect(readFileSync(join(root, 'target'), 'utf8')).toBe('kept');
    rmSync(root, { recursive: true });
  });
});
