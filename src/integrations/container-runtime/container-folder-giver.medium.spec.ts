import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerEngine } from '../../../test/support/docker-engine.js';
import { eventually } from '../../../test/support/eventually.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { PodmanEngine } from '../../../test/support/podman-engine.js';
import { entryFile } from '../../config/paths.js';
import { ContainerFolderGiver } from './container-folder-giver.js';
import { dockerAt } from './docker-removal.js';
import { pingEngine } from './engine-ping.js';

interface Engine {
  readonly host: string;
  leftovers(): Promise<string>;
  stop(): Promise<void>;
}

function suite(start: () => Promise<Engine>): void {
  let engine: Engine;
  let folder: string;

  beforeAll(async () => (engine = await start()));
  afterAll(() => engine.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mr-given-'));
    mkdirSync(at('tree/deep'), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const at = (path: string): string => join(folder, path);
  const ownersOf = (...paths: readonly string[]): readonly string[] =>
    paths.map((path) => {
      const { uid, gid } = lstatSync(at(path));
      return `${uid}:${gid}`;
    });
  const giver = (program = entryFile('workspaces/give-tree')): ContainerFolderGiver =>
    new ContainerFolderGiver(
      { docker: dockerAt(engine.host), labels: {}, ping: () => pingEngine(engine.host) },
      program,
      (what, error) => {
        throw new Error(what, { cause: error });
      },
    );
  const give = (isShared = false): Promise<void> =>
    giver().give({ folder: at('tree'), uid: 4321, gid: 54, isShared });

  it('gives a folder and all below it, whoever had it and whatever its modes are', async () => {
    writeFileSync(at('tree/deep/file'), '');
    chownSync(at('tree/deep/file'), 77, 78);
    for (const path of ['tree/deep/file', 'tree/deep', 'tree']) chmodSync(at(path), 0);
    await give();
    expect(ownersOf('tree', 'tree/deep', 'tree/deep/file')).toEqual(Array(3).fill('4321:54'));
    await give();
  });

  it('follows no link, and leaves what has a second name', async () => {
    writeFileSync(at('outside'), '');
    linkSync(at('outside'), at('tree/second'));
    symlinkSync(at('outside'), at('tree/link'));
    symlinkSync('../..', at('tree/deep/up'));
    await give();
    expect(ownersOf('outside', 'tree/second', '.')).toEqual(Array(3).fill('0:0'));
    expect(ownersOf('tree/link', 'tree/deep/up')).toEqual(Array(2).fill('4321:54'));
  });

  it('lets the group do what the owner may, and keep what it makes in the group', async () => {
    writeFileSync(at('tree/file'), '', { mode: 0o600 });
    chmodSync(at('tree/deep'), 0o700);
    await give(true);
    const modes = ['tree/file', 'tree/deep'].map((path) => lstatSync(at(path)).mode & 0o7777);
    expect(modes).toEqual([0o660, 0o2770]);
  });

  it('sees nothing but the folder, this Node and its libraries, and may write the first alone', async () => {
    const program = at('look.mjs');
    // What it sees goes into the folder.
    writeFileSync(
      program,
      `import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
      export function giveTree(folder) {
        const mayWrite = ['/', '/program', '/usr'].filter((path) => {
          try { writeFileSync(path + '/x', ''); return true; } catch { return false; }
        });
        const rights = readFileSync('/proc/self/status', 'utf8').match(/^Cap(Eff|Bnd):.*$/gm);
        const networks = readdirSync('/sys/class/net');
        const seen = { root: readdirSync('/'), mayWrite, rights, networks };
        writeFileSync(folder + '/seen', JSON.stringify(seen));
      }`,
    );
    await giver(program).give({ folder: at('tree'), uid: 1, gid: 1, isShared: false });
    const seen = JSON.parse(readFileSync(at('tree/seen'), 'utf8')) as Record<
      string,
      readonly string[]
    >;
    const known = new Set(
      [
        'dev',
        'etc',
        'lib',
        'lib64',
        'opt',
        'proc',
        'program',
        'run',
        'sys',
        'tree',
        'usr',
        'var',
      ].concat(['.dockerenv', 'tmp', 'home', 'root', 'nix']),
    );
    expect(seen['root']?.filter((name) => !known.has(name))).toEqual([]);
    expect(seen['mayWrite']).toEqual([]);
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID
    expect(seen['rights']?.map((line) => line.split('\t')[1])).toEqual(
      Array(2).fill('000000000000001b'),
    );
    expect(seen['networks']).toEqual(['lo']);
  });

  it('says why it cannot, and leaves no container', async () => {
    const bad = giver(at('missing.mjs')).give({
      ...{ folder: at('tree'), uid: 1, gid: 1, isShared: false },
    });
    await expect(bad).rejects.toThrow(/does not exist|no such file|give-tree\.mjs/);
    writeFileSync(at('broken.mjs'), 'export function giveTree() { throw new Error("not today"); }');
    const broken = giver(at('broken.mjs')).give({
      ...{ folder: at('tree'), uid: 1, gid: 1, isShared: false },
    });
    await expect(broken).rejects.toThrow('Error: not today');
    await eventually(async () => (await engine.leftovers()) === '' || undefined);
  });
}

const DOCKER = { dockerd: 'docker.io', docker: 'docker.io' };
describeWith(DOCKER, { root: true }, 'ContainerFolderGiver: Docker Engine', () =>
  suite(() => DockerEngine.start()),
);
describeWith(
  { podman: 'podman' },
  { root: true },
  "ContainerFolderGiver: Podman's Docker API",
  () => suite(() => PodmanEngine.start()),
);
