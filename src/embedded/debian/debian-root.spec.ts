import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { libraryLayout, wrapperScript, wrapProgram } from './debian-root.js';

describe('libraryLayout', () => {
  it('knows the processors that Debian and we support', () => {
    expect(libraryLayout('linux', 'x64').triplet).toBe('x86_64-linux-gnu');
    expect(libraryLayout('linux', 'arm64').loader).toBe('ld-linux-aarch64.so.1');
    expect(() => libraryLayout('darwin', 'arm64')).toThrow(/Linux/);
  });
});

describe('wrapProgram', () => {
  it('starts the program by the root’s own loader from any folder, also below a blank', async () => {
    const root = join(await mkdtemp(join(tmpdir(), 'root spec-')), 'a root');
    const layout = { triplet: 'x86_64-linux-gnu', loader: 'loader' };
    const bin = join(root, 'usr/lib/thing/bin');
    const libraries = join(root, 'usr/lib', layout.triplet);
    await mkdir(bin, { recursive: true });
    await mkdir(libraries, { recursive: true });
    // A loader that shows what it was given.
    await copyFile('/bin/echo', join(libraries, 'loader'));
    await copyFile('/bin/true', join(bin, 'program'));
    await chmod(join(libraries, 'loader'), 0o755);
    await wrapProgram(root, bin, 'program', layout, join(root, 'usr/lib/thing/lib'));
    const run = promisify(execFile);
    const { stdout } = await run(join(bin, 'program'), ['-D', 'x y'], { cwd: '/' });
    expect(stdout).toBe(
      `--inhibit-cache --library-path ${libraries}:${bin}/../lib --argv0 ${bin}/program ${join(root, 'usr/lib/thing/elf/program')} -D x y\n`,
    );
    await rm(join(root, '..'), { recursive: true });
  });

  it('keeps the pid and leaks no library path', () => {
    const script = wrapperScript('../x', 'loader', '');
    expect(script).toMatch(/^exec /m);
    expect(script).not.toContain('LD_LIBRARY_PATH');
  });
});
