import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Python writes what `zip` would: paths in the archive, and files. */
const ZIP = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    for path, name in zip(sys.argv[2::2], sys.argv[3::2]):
        archive.write(path, name)
`;

/**
 * Makes a folder that Go takes for a module proxy (`GOPROXY=file://…`), with one module in it.
 *
 * @param sources folder of its files, flat
 * @param module its path and version, as `example.com/m@v1.0.0`
 */
export async function makeModuleProxy(
  folder: string,
  sources: string,
  module: string,
): Promise<void> {
  const [path = '', version = ''] = module.split('@');
  const target = join(folder, path, '@v');
  await mkdir(target, { recursive: true });
  await writeFile(join(target, 'list'), `${version}\n`);
  await writeFile(join(target, `${version}.info`), JSON.stringify({ Version: version }));
  await copyFile(join(sources, 'go.mod'), join(target, `${version}.mod`));
  const files = (await readdir(sources)).flatMap((file) => [
    join(sources, file),
    `${module}/${file}`,
  ]);
  const archive = join(target, `${version}.zip`);
  await promisify(execFile)('python3', ['-c', ZIP, archive, ...files]);
}
