import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAX_BUFFER = 64 * 1024 * 1024;
/** Where the packages of the repository lie in the image. */
const REPOSITORY = 'repository';
const NO_EXTRAS = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
  (what) => `--no-${what}`,
);

async function lines(program: string, args: readonly string[]): Promise<string[]> {
  const { stdout } = await run(program, [...args], { maxBuffer: MAX_BUFFER });
  return stdout.split('\n').filter((line) => line !== '');
}

/**
 * Fills a folder with a Debian of what is installed on this machine: the essential packages, apt,
 * and what `packages` depend on. These themselves are in a repository of the folder instead, made
 * again of their files and their own scripts, for `apt-get install` without a network.
 */
export async function makeDebianRoot(root: string, packages: RegExp): Promise<void> {
  const wanted = await lines('dpkg-query', ['-W', '-f', '${Essential} ${Package}\n']).then((all) =>
    all.flatMap((line) => (line.startsWith('yes ') ? [line.slice(4)] : [])),
  );
  const depends = ['depends', '--recurse', '--installed', ...NO_EXTRAS];
  const installed = await lines('dpkg-query', ['-W', '-f', '${Package}\n']);
  // Essential packages need some awk.
  const given = installed.filter((name) => packages.test(name) || /^[mg]awk$/.test(name));
  const closure = await lines('apt-cache', [...depends, ...wanted, 'apt', 'adduser', ...given]);
  const known = new Set(installed);
  const all = [...new Set(closure.filter((line) => /^[a-z0-9]/.test(line)))];
  const present = all.filter((name) => known.has(name) && !packages.test(name));
  await copyPackages(root, present);
  const repository = join(root, REPOSITORY);
  await mkdir(repository);
  const built = all.filter((name) => known.has(name) && packages.test(name));
  await Promise.all(built.map((name) => packAgain(name, repository)));
  await writeIndex(repository);
}

/** A program of this machine with the libraries that it loads. */
export async function addProgram(root: string, program: string): Promise<void> {
  const loaded = await lines('ldd', [program]);
  const libraries = loaded.flatMap((line) => /(?:=> )?(\/\S+) \(/.exec(line)?.[1] ?? []);
  for (const path of [program, ...libraries]) {
    const place = path.replace(/^\/(s?bin|lib|lib64)(?=\/)/, '/usr/$1');
    await mkdir(dirname(join(root, place)), { recursive: true });
    // A package of the root may have brought it, by a link that leads to this machine.
    await run('cp', ['-aL', '--remove-destination', path, join(root, place)]);
  }
}

/** Files of packages that are installed here, and what dpkg knows of them. */
async function copyPackages(root: string, names: readonly string[]): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await run('ln', ['-s', `usr/${name}`, join(root, name)]);
  }
  await copyFiles(root, await filesOf(names));
  // What alternatives point to, and the configuration that scripts of these packages have made.
  for (const path of ['etc/alternatives', 'etc/debconf.conf', 'etc/nsswitch.conf']) {
    await cp(join('/', path), join(root, path), { recursive: true, verbatimSymlinks: true });
  }
  await run('cp', ['-a', '/usr/bin/awk', join(root, 'usr/bin/awk')]);
  for (const name of ['passwd', 'group']) {
    await cp(`/usr/share/base-passwd/${name}.master`, join(root, 'etc', name));
  }
  const { stdout: status } = await run('dpkg-query', ['-s', ...names], { maxBuffer: MAX_BUFFER });
  const dpkg = join(root, 'var/lib/dpkg');
  await mkdir(join(dpkg, 'info'), { recursive: true });
  await writeFile(join(dpkg, 'status'), status);
  const known = new Set(names);
  const info = (await readdir('/var/lib/dpkg/info')).filter((file) =>
    known.has(file.replace(/(:[a-z0-9]+)?\.[a-z]+$/, '')),
  );
  for (const file of info) await cp(join('/var/lib/dpkg/info', file), join(dpkg, 'info', file));
  for (const folder of ['etc/apt/apt.conf.d', 'var/lib/apt/lists/partial', 'tmp', 'run']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await run('chmod', ['1777', join(root, 'tmp')]);
  await writeFile(join(root, 'etc/apt/sources.list'), `deb [trusted=yes] file:/${REPOSITORY} ./\n`);
  await run('ldconfig', ['-r', root]);
}

async function filesOf(names: readonly string[]): Promise<string[]> {
  const paths = await lines('dpkg-query', ['-L', ...names]);
  return paths
    .filter((path) => path.startsWith('/') && path !== '/.')
    .map((path) => path.replace(/^\/(s?bin|lib|lib64)(?=\/|$)/, '/usr/$1'))
    .filter((path) => !/^\/usr\/share\/(doc|man|locale|info)\//.test(path) && existsSync(path));
}

/** Owners, rights and links as they are. */
async function copyFiles(root: string, paths: readonly string[]): Promise<void> {
  const list = ['--no-recursion', '--null', '-T', '-'];
  const from = spawn('tar', ['-C', '/', '-c', ...list], { stdio: ['pipe', 'pipe', 'ignore'] });
  const to = spawn('tar', ['-C', root, '-x', '-p'], {
    stdio: [from.stdout, 'ignore', 'inherit'],
  });
  from.stdin.end(paths.map((path) => path.slice(1)).join('\0'));
  const [code] = (await once(to, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`tar ended with ${code}`);
}

/** A package as a file again, of what is installed here, with its own scripts. */
async function packAgain(name: string, repository: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-deb-'));
  try {
    await copyFiles(folder, await filesOf([name]));
    const control = join(folder, 'DEBIAN');
    await mkdir(control);
    const { stdout } = await run('dpkg-query', ['-s', name]);
    const fields = stdout.replace(/^Conffiles:\n(?: .*\n)*/m, '').replace(/^Status:.*\n/m, '');
    await writeFile(join(control, 'control'), fields);
    for (const file of await readdir('/var/lib/dpkg/info')) {
      const script = /^(.+?)(?::[a-z0-9]+)?\.((?:pre|post)(?:inst|rm)|config|templates)$/.exec(
        file,
      );
      if (script?.[1] !== name) continue;
      await cp(join('/var/lib/dpkg/info', file), join(control, script[2] ?? ''));
    }
    await run('chmod', ['755', folder]);
    await run('dpkg-deb', ['-Znone', '--build', folder, join(repository, `${name}.deb`)]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What `dpkg-scanpackages` writes. */
async function writeIndex(repository: string): Promise<void> {
  const files = (await readdir(repository)).map((file) => join(repository, file));
  const entries = await Promise.all(
    files.map(async (file) => {
      const [{ stdout: fields }, { stdout: sum }] = await Promise.all([
        run('dpkg-deb', ['-f', file]),
        run('sha256sum', [file]),
      ]);
      const size = (await readFile(file)).length;
      const where = `Filename: ./${basename(file)}\nSize: ${size}\nSHA256: ${sum.split(' ')[0]}\n`;
      return `${fields.trimEnd()}\n${where}`;
    }),
  );
  await writeFile(join(repository, 'Packages'), entries.join('\n'));
  await run('chmod', ['-R', 'a+rX', dirname(join(repository, '.'))]);
}
