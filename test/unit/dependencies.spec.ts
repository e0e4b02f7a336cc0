import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { minVersion, satisfies } from 'semver';

interface PackageFile {
  readonly engines: { readonly node: string };
  readonly scarfSettings: { readonly enabled: boolean };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface LockedPackage {
  readonly version?: string;
  readonly hasInstallScript?: boolean;
  readonly engines?: { readonly node?: string };
}

interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
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

  it('knows each install script, and none of them runs', () => {
    const withScripts = Object.entries(lock.packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect(names('Install scripts')).toEqual([...new Set(withScripts)].sort());
    expect(readFileSync(resolve(root, '.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m);
    expect(manifest.scarfSettings).toEqual({ enabled: false });
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

it('says which Node it needs: what all packages take, and no less', () => {
  const oldest = manifest.engines.node.split(' || ').map((range) => minVersion(range)?.version);
  const others = Object.entries(lock.packages).filter(([path]) => path !== '');
  for (const version of oldest) {
    const refused = others.filter(
      ([, { engines }]) => !satisfies(version ?? '', engines?.node ?? '*'),
    );
    expect(refused.map(([path]) => path)).toEqual([]);
  }
  const tooOld = others.filter(([, { engines }]) => !satisfies('24.14.0', engines?.node ?? '*'));
  expect(tooOld).not.toEqual([]);
});
