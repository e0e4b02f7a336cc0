import { execFile, spawnSync } from 'node:child_process';
import { appendFile, mkdir, readdir, realpath, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addNode } from './debian-image.js';
import { copyFolder, copyLibraries, copyPrograms } from './host-programs.js';
import { APP_UID, type ImageImporter, makeStepImage } from './step-image.js';

const run = promisify(execFile);
const SEARCH = 'ENV PATH=/usr/local/bin:/usr/local/go/bin:/bin:/usr/bin';

/** What is in none of the images below: it makes them large, and no step needs it. */
const PYTHON_REST = ['site-packages', 'dist-packages', '__pycache__', 'test', 'tests', 'config-*'];
const PYTHON_TOOLS = ['./idlelib', './tkinter', './ensurepip', './lib2to3', './turtledemo'];
const GO_REST = ['testdata', '*_test.go', './src/cmd', './api', './doc', './misc', './test'];

/**
 * An image of busybox with this machine's Node and npm, and a user `node`, as the public image
 * `node` is used.
 */
export async function makeNodeStepImage(engine: ImageImporter, image: string): Promise<void> {
  await makeStepImage(engine, image, [SEARCH], async (root) => {
    await addNode(join(root, 'usr/local'));
    await copyLibraries(root, [process.execPath]);
    // The first lines of npm's programs name it.
    await mkdir(join(root, 'usr/bin'), { recursive: true });
    await symlink('/bin/env', join(root, 'usr/bin/env'));
    const user = `node:x:${APP_UID}:${APP_UID}::/home/app:/bin/sh\n`;
    await appendFile(join(root, 'etc/passwd'), user);
  });
}

/** One with this machine's Python and its standard library, as the public image `python`. */
export async function makePythonStepImage(engine: ImageImporter, image: string): Promise<void> {
  const ask = 'import sys, sysconfig; print(sys.executable, sysconfig.get_path("stdlib"))';
  const [program = '', library = ''] = (await run('python3', ['-c', ask])).stdout.split(/\s/);
  const modules = join(library, 'lib-dynload');
  const loaded = (await readdir(modules)).filter((name) => name.endsWith('.so'));
  await makeStepImage(engine, image, [SEARCH], async (root) => {
    const real = await realpath(program);
    await copyPrograms(root, [real]);
    await symlink(real, join(root, 'bin/python3'));
    await copyFolder(library, join(root, library), [...PYTHON_REST, ...PYTHON_TOOLS]);
    await copyLibraries(
      root,
      loaded.map((name) => join(modules, name)),
    );
  });
}

/** Program of the Go that `test/go/find` knows, or why there is none. */
export function findGo(): { readonly program: string } | { readonly problem: string } {
  const finder = join(__dirname, '../go/find');
  const { status, stdout, stderr } = spawnSync(finder, ['--kept'], { encoding: 'utf8' });
  return status === 0 ? { program: stdout.trim() } : { problem: stderr.trim() };
}

/**
 * One with a Go of this machine, as the public image `golang`.
 *
 * @param program that `findGo` has found
 * @param modules folder in the form of a module proxy, which the image fetches modules from
 */
export async function makeGoStepImage(
  engine: ImageImporter,
  image: string,
  program: string,
  modules: string,
): Promise<void> {
  const env = { GOTOOLCHAIN: 'local', HOME: process.env['HOME'], PATH: process.env['PATH'] };
  const source = (await run(program, ['env', 'GOROOT'], { env })).stdout.trim();
  const changes = [SEARCH, 'ENV GOTOOLCHAIN=local', 'ENV GOPROXY=file:///modules'];
  await makeStepImage(engine, image, changes, async (root) => {
    await copyFolder(source, join(root, 'usr/local/go'), GO_REST);
    await copyFolder(modules, join(root, 'modules'));
  });
}
