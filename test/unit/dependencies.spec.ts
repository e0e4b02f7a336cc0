import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { satisfies } from 'semver';

interface PackageFile {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}

const root = resolve(__dirname, '../..');
const json = <T>(name: string): T => JSON.parse(readFileSync(resolve(root, name), 'utf8')) as T;
const manifest = json<PackageFile>('package.json');
const lock = json<LockFile>('package-lock.json');
const page = readFileSync(resolve(root, 'docs/dependencies.md'), 'utf8');

/** First and second column of the table below a heading. */
function rows(heading: string): [string, string][] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [own = ''] = section.split('\n## ');
  return [...own.matchAll(/^\| ([^ |]+) +\| ([^|]+) \|/gm)]
    .map(([, name = '', value = '']): [string, string] => [name, value.trim()])
    .filter(([name]) => name !== 'package' && !name.startsWith('-'));
}

const names = (heading: string): string[] =>
  rows(heading)
    .map(([name]) => name)
    .sort();

describe('docs/dependencies.md', () => {
  it('gives a reason for each dependency, and for nothing else', () => {
    expect(names('At run time')).toEqual(Object.keys(manifest.dependencies).sort());
    expect(names('For development')).toEqual(Object.keys(manifest.devDependencies).sort());
  });

  it.each(rows('Floors'))(
    '%s is of a version that is %s, wherever it is installed',
    (name, list) => {
      const range = list.split(', ').join(' || ');
      const copies = Object.entries(lock.packages)
        .filter(([path]) => path.endsWith(`node_modules/${name}`))
        .map(([path, { version = '0.0.0' }]) => ({ path, version }));
      expect(copies).not.toEqual([]);
      expect(copies.filter(({ version }) => !satisfies(version, range))).toEqual([]);
    },
  );
});
