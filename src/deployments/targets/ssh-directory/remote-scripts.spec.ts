import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ARM,
  BEGIN,
  CHECK,
  FINISH,
  FORGET,
  LIST_SERVING,
  PUBLISH,
  REFUSED_EXIT,
  REMOVE,
  SAYS,
  scriptCommand,
  SWITCH,
  WITHDRAW,
} from './remote-scripts.js';

const OWN = 'default/shop, service 1';
const OTHER = 'default/other, service 2';

/** As the user's shell of another host would run them. */
describe('scripts on another host', () => {
  let base: string;
  let folder: string;
  let outside: string;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'remote-scripts-'));
    folder = join(base, 'shop');
    outside = join(base, 'outside');
    mkdirSync(join(outside, '1'), { recursive: true });
  });
  afterEach(() => {
    expect(readdirSync(outside)).toEqual(['1']);
    rmSync(base, { recursive: true });
  });

  /** Its exit code, and the first two words of a refusal. */
  const run = (script: string, ...args: readonly string[]): string => {
    const { status, stdout } = spawnSync('sh', ['-c', scriptCommand(script, args)], {
      cwd: base,
      encoding: 'utf8',
    });
    const said = stdout.slice(stdout.indexOf(SAYS) + SAYS.length);
    if (status === REFUSED_EXIT) return said.split(' ', 2).join(' ');
    return status === 0 ? 'done' : `exit ${status}`;
  };
  it('say which release serves, and which files it has', () => {
    const said = (): readonly string[] => {
      const text = scriptCommand(LIST_SERVING, [folder]);
      const { status, stdout } = spawnSync('sh', ['-c', text], { cwd: base, encoding: 'utf8' });
      expect(status).toBe(0);
      return stdout
        .slice(stdout.indexOf(SAYS) + SAYS.length)
        .split('\0')
        .sort();
    };
    expect(said()).toEqual(['']);
    mkdirSync(join(folder, 'releases/3/a b'), { recursive: true });
    for (const name of ['x', 'a b/y\n']) writeFileSync(join(folder, 'releases/3', name), '');
    expect(said()).toEqual(['']);
    symlinkSync('releases/3', join(folder, 'current'));
    expect(said()).toEqual(['', './a b/y\n', './x', 'releases/3']);
    rmSync(join(folder, 'releases/3'), { recursive: true });
    expect(said()).toEqual(['', 'releases/3']);
  });

  /** Makes a release, and lets it serve. */
  const serve = (number: string, shared: readonly string[] = []): string => {
    const done = [
      run(BEGIN, folder, OWN, number),
      run(FINISH, folder, number, '0644', '0755', ...shared),
      run(PUBLISH, folder, number),
      run(ARM, folder, number, 't'),
      run(SWITCH, folder, 't'),
    ];
    return done.find((one) => one !== 'done') ?? 'done';
  };

  it('make releases, and switch to them', () => {
    expect([run(CHECK, folder, OWN), serve('1'), serve('2')]).toEqual(['done', 'done', 'done']);
    expect(readlinkSync(join(folder, 'current'))).toBe('releases/2');
    expect(run(CHECK, folder, OWN)).toBe('done');
    expect([run(REMOVE, folder, '1', OWN), readdirSync(join(folder, 'releases'))]).toEqual([
      ...['done', ['2']],
    ]);
  });

  it('refuse a link in the place of the folder, or of one that is ours', () => {
    symlinkSync(outside, folder);
    expect([run(CHECK, folder, OWN), run(BEGIN, folder, OWN, '1')]).toEqual([
      ...['refused path_unusable', 'refused path_unusable'],
    ]);
    rmSync(folder);
    serve('2');
    for (const name of ['releases', 'shared']) {
      rmSync(join(folder, name), { recursive: true });
      symlinkSync(outside, join(folder, name));
      expect(run(BEGIN, folder, OWN, '1')).toBe('refused path_unusable');
      if (name === 'releases') {
        expect(run(REMOVE, folder, '1', OWN)).toBe('refused path_unusable');
      }
      rmSync(join(folder, name));
    }
  });

  it('refuse what stands in the place of the folder or of its link', () => {
    writeFileSync(folder, '');
    expect(run(CHECK, folder, OWN)).toBe('refused path_unusable');
    expect(run(BEGIN, folder, OWN, '1')).toBe('refused path_unusable');
    rmSync(folder);
    mkdirSync(join(folder, 'current'), { recursive: true });
    expect(run(CHECK, folder, OWN)).toBe('refused path_unusable');
  });

  it('touch nothing of another service', () => {
    serve('1');
    serve('2');
    expect([run(CHECK, folder, OTHER), run(BEGIN, folder, OTHER, '1')]).toEqual([
      ...['refused path_taken', 'refused path_taken'],
    ]);
    run(REMOVE, folder, '1', OTHER);
    run(WITHDRAW, folder, OTHER);
    run(FORGET, folder, OTHER);
    expect(readdirSync(join(folder, 'releases')).sort()).toEqual(['1', '2']);
    expect(readlinkSync(join(folder, 'current'))).toBe('releases/2');
    expect(readFileSync(join(folder, '.millrace-service'), 'utf8')).toBe(`${OWN}\n`);
  });

  it('remove nothing that serves', () => {
    serve('1');
    run(REMOVE, folder, '1', OWN);
    expect(readdirSync(join(folder, 'releases'))).toEqual(['1']);
  });

  it('are led nowhere by a link in shared, or in the release', () => {
    serve('1', ['data/deep', '../../../shared/data/deep']);
    expect(existsSync(join(folder, 'current/data/deep/.'))).toBe(true);
    symlinkSync(outside, join(folder, 'shared/led'));
    symlinkSync(outside, join(folder, 'shared/data/led'));
    for (const shared of ['led', 'led/x', 'data/led', 'data/led/x']) {
      run(BEGIN, folder, OWN, '2');
      const link = `${'../'.repeat(shared.split('/').length + 1)}shared/${shared}`;
      expect(run(FINISH, folder, '2', '0644', '0755', shared, link)).toBe('refused path_unusable');
    }
    run(BEGIN, folder, OWN, '2');
    symlinkSync(outside, join(folder, 'releases/.unpack-2/inside'));
    for (const shared of ['inside', 'inside/x']) {
      expect(run(FINISH, folder, '2', '0644', '0755', shared, '../x')).toBe(
        'refused path_unusable',
      );
    }
  });

  it('change the permissions of nothing that a link leads to', () => {
    run(BEGIN, folder, OWN, '1');
    const file = join(outside, '1/file');
    writeFileSync(file, '', { mode: 0o600 });
    symlinkSync(file, join(folder, 'releases/.unpack-1/led'));
    symlinkSync(outside, join(folder, 'releases/.unpack-1/folder'));
    expect(run(FINISH, folder, '1', '0644', '0755')).toBe('done');
    expect(execFileSync('stat', ['-c', '%a', file], { encoding: 'utf8' })).toBe('600\n');
  });

  it.each(["it's", '$(touch injected)', '`touch injected`', '"; touch injected; "', 'a\nb', '-rf'])(
    'take %j for a name, and never for a command',
    (name) => {
      folder = join(base, name);
      expect(serve('1', [name, `../../shared/${name}`])).toBe('done');
      expect(readdirSync(base).sort()).toEqual([name, 'outside'].sort());
      expect(readdirSync(join(folder, 'shared'))).toEqual([name]);
      expect(readdirSync(join(folder, 'releases/1'))).toEqual([name]);
    },
  );
});
