import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryFile } from '../../src/config/paths.js';
import { CommandLine, type Outcome } from '../support/command-line.js';
import { GitFixture, GitHttpServer } from '../support/git-http-server.js';
import { findProgram, itWith } from '../support/needed-programs.js';
import { removeTree } from '../support/remove-tree.js';

const atTerminal = itWith(findProgram('script'), 'script: apt-get install bsdutils');

/** `millrace run` in a checkout: what it begins with, and what it tells of a failure. */
describe('run in a checkout', () => {
  let folder: string;
  let tree: string;

  const git = (where: string, ...args: readonly string[]): string =>
    execFileSync(
      'git',
      ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'protocol.file.allow=always', ...args],
      { cwd: where, env: { PATH: process.env['PATH'], HOME: folder }, encoding: 'utf8' },
    );
  const run = (...args: readonly string[]): Promise<Outcome> =>
    new CommandLine(tree, { HOME: folder, TMPDIR: folder }).run(['run', ...args]);
  const pipeline = (steps: string, more = ''): Promise<void> =>
    writeFile(
      join(tree, '.millrace.yml'),
      `name: p\n${more}stages:\n  - name: s\n    steps:\n${steps}`,
    );
  const printed = ({ stdout }: Outcome): string[] =>
    stdout.split('\n').map((line) => line.replace(/^[^|]*\| /, ''));

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-run-tree-'));
    tree = join(folder, 'tree');
    await mkdir(join(tree, 'src'), { recursive: true });
    git(tree, 'init', '--quiet', '--initial-branch=trunk');
    await writeFile(join(tree, '.gitignore'), 'ignored/\n');
    await writeFile(join(tree, 'src/changed'), 'old\n');
    await writeFile(join(tree, 'deleted'), '');
    git(tree, 'add', '.');
    git(tree, 'commit', '--quiet', '-m', 'one');
  });
  afterEach(() => removeTree(folder));

  it('begins with what git does not ignore, as it is now, and changes none of it', async () => {
    await writeFile(join(folder, 'secret'), 'of somebody');
    await symlink('../secret', join(tree, 'link'));
    await writeFile(join(tree, 'tool'), '#!/bin/sh\n');
    await chmod(join(tree, 'tool'), 0o755);
    await writeFile(join(tree, 'src/changed'), 'new\n');
    await writeFile(join(tree, 'two\nlines'), '');
    await rm(join(tree, 'deleted'));
    await mkdir(join(tree, 'ignored'));
    await writeFile(join(tree, 'ignored/big'), '');
    git(tree, 'init', '--quiet', 'nested');
    await writeFile(join(tree, 'nested/x'), '');
    await pipeline(`
      - run: find . -path ./.git -prune -o -type f -print | sort; cat src/changed; readlink link; cat link || true
      - run: git status --short; test -x tool; git log --format=%s; echo "$CI_BRANCH $CI_COMMIT"
      - run: echo mine >src/changed; rm tool; git -c user.name=a -c user.email=a@b commit --quiet -am x
`);
    const commit = git(tree, 'rev-parse', 'HEAD').trim();
    const before = git(tree, 'status', '--porcelain');
    const ran = await run();
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('Tree: ')]);
    expect(ran.stderr).toContain('Other checkouts in it, left out: nested/');
    expect(printed(ran)).toEqual([
      ...['./.gitignore', './.millrace.yml', './src/changed', './tool', './two', 'lines'],
      ...['new', '../secret', 'cat: link: No such file or directory'],
      ...[' D deleted', ' M src/changed', '?? .millrace.yml', '?? link', '?? tool'],
      ...['?? "two\\nlines"', 'one', `trunk ${commit}`, ''],
    ]);
    expect(await readFile(join(tree, 'src/changed'), 'utf8')).toBe('new\n');
    expect([git(tree, 'status', '--porcelain'), git(tree, 'rev-parse', 'HEAD').trim()]).toEqual([
      before,
      commit,
    ]);
  }, 60_000);

  it('takes submodules along that are checked out', async () => {
    const library = join(folder, 'library');
    await mkdir(library);
    git(library, 'init', '--quiet');
    await writeFile(join(library, 'code'), 'of the library');
    git(library, 'add', '.');
    git(library, 'commit', '--quiet', '-m', 'library');
    git(tree, 'submodule', '--quiet', 'add', library, 'lib');
    await writeFile(join(tree, 'lib/new'), '');
    await pipeline('      - run: ls -A lib\n');
    expect(printed(await run())).toEqual(['code', 'new', '']);
  }, 60_000);

  it('stands in the place of the clone of its own repository, and of no other', async () => {
    git(tree, 'remote', 'add', 'origin', 'git@git.invalid:acme/shop.git');
    const clones = (url: string): Promise<void> =>
      pipeline('      - run: git remote get-url origin; ls src\n', `repository: ${url}\n`);
    await clones('https://git.invalid/acme/shop');
    const own = await run();
    expect([own.code, ...printed(own)]).toEqual([
      0,
      'git@git.invalid:acme/shop.git',
      'changed',
      '',
    ]);
    expect((await run('--no-dir')).code).toBe(1);
    await clones('https://git.invalid/acme/other');
    const other = await run();
    expect([other.code, other.stderr]).toEqual([1, expect.not.stringContaining('Tree: ')]);
    expect((await run('--dir', '.')).code).toBe(0);
  }, 90_000);

  it('runs a part, of another event, with variables of a file and programs of the caller', async () => {
    await writeFile(join(folder, 'variables'), "A=file\nB='of the file'\n");
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin/mine'), '#!/bin/sh\necho mine\n');
    await chmod(join(folder, 'bin/mine'), 0o755);
    await pipeline(`
      - { name: first, run: touch made }
      - { name: second, run: 'ls made; echo "$CI_EVENT $CI_TAG [$CI_BRANCH] $A $B"' }
      - { name: third, run: mine }
`);
    const options = ['--event', 'tag', '--tag', 'v1', '--env-file', join(folder, 'variables')];
    const part = await run('--step', 'second', ...options, '--env', 'A=line');
    expect(printed(part)).toEqual(['made', 'tag v1 [] line of the file', '']);
    expect((await run('--step', 'second', '--no-needs')).code).toBe(1);
    const third = ['run', '--step', 's/third', '--no-needs'];
    const caller = new CommandLine(tree, { PATH: `${folder}/bin:${process.env['PATH'] ?? ''}` });
    expect(printed(await caller.run([...third, '--inherit-path']))).toEqual(['mine', '']);
    const without = await caller.run(third);
    expect([without.code, without.stderr]).toEqual([1, expect.stringContaining('exit code 127: ')]);
  }, 90_000);

  it('runs a stage and what it needs, with inputs, on a branch or a tag that is named', async () => {
    const trigger = 'echo "$CI_EVENT [$CI_BRANCH] [$CI_TAG] $CI_COMMIT"';
    await writeFile(
      join(tree, '.millrace.yml'),
      `name: p
triggers: [{ manual: { inputs: { copies: { type: number, default: 1 } } } }]
stages:
  - { name: one, steps: [touch made] }
  - { name: other, needs: [], steps: [echo other] }
  - name: two
    needs: one
    steps:
      - { name: see, run: 'ls made; echo "\${{ inputs.copies }}"; ${trigger}' }
  - { name: three, steps: [echo three] }
`,
    );
    const commit = git(tree, 'rev-parse', 'HEAD').trim();
    const two = ['--stage', 'two'];
    const said = async (...args: readonly string[]): Promise<unknown[]> => {
      const ran = await run(...two, ...args);
      return [ran.code, ...printed(ran)];
    };
    expect(await said()).toEqual([0, 'made', '1', `cli [trunk] [] ${commit}`, '']);
    expect(await said('--branch', 'next', '--input', 'copies=3')).toEqual([
      ...[0, 'made', '3', `cli [next] [] ${commit}`, ''],
    ]);
    expect(await said('--tag', 'v1')).toEqual([0, 'made', '1', `cli [] [v1] ${commit}`, '']);
    expect((await run(...two, '--no-needs')).code).toBe(1);
    const both = await run('--stage', 'one', '--stage', 'other');
    expect([both.code, ...printed(both)]).toEqual([0, 'other', '']);
  }, 90_000);

  it('clones the branch or the tag that is named', async () => {
    const repository = await GitFixture.create('main');
    const server = await GitHttpServer.start(folder);
    try {
      for (const branch of ['main', 'next']) {
        await repository.git('checkout', '-q', '-B', branch);
        await writeFile(join(repository.directory, `on-${branch}`), '');
        await repository.commit(branch);
      }
      await repository.git('tag', 'v1', 'main');
      await repository.publish(folder, 'shop');
      const url = `repository: { url: "${server.url('shop')}", branch: main }\n`;
      await pipeline('      - run: ls; echo "[$CI_BRANCH] [$CI_TAG]"\n', url);
      const said = async (...args: readonly string[]): Promise<string[]> =>
        printed(await run('--no-dir', ...args));
      const next = ['on-main', 'on-next', '[next] []', ''];
      expect(await said('--branch', 'next')).toEqual(expect.arrayContaining(next));
      const v1 = await said('--tag', 'v1');
      expect(v1).toEqual(expect.arrayContaining(['on-main', '[] [v1]', '']));
      expect(v1).not.toContain('on-next');
    } finally {
      await server.stop();
      repository.remove();
    }
  }, 90_000);

  it('begins with a folder of a checkout alone, which is no repository then', async () => {
    await mkdir(join(tree, 'src/ignored'));
    await writeFile(join(tree, 'src/ignored/big'), '');
    await writeFile(join(tree, 'src/new'), '');
    await pipeline('      - run: ls -A; git log --oneline || echo "no git of $CI_BRANCH"\n');
    await symlink('src', join(tree, 'alias'));
    for (const name of ['src', 'alias']) {
      const ran = await run('--dir', name);
      expect([ran.code, ran.stderr]).toEqual([
        0,
        expect.stringContaining('Without .git: it is only a part of its checkout'),
      ]);
      const lines = printed(ran);
      expect(lines.slice(0, 2)).toEqual(['changed', 'new']);
      expect(lines.at(-2)).toBe('no git of trunk');
    }
  }, 60_000);

  it.each([
    [['--input', 'a=1'], 'The pipeline has no input "a". The pipeline declares none: '],
    [['--input', 'a'], 'It must be NAME=value.'],
    [['--stage', 'x'], "millrace: There is no stage 'x'."],
    [['--step', 'x'], "millrace: There is no step 'x'."],
    [['--dir', 'nowhere'], 'nowhere: there is no such folder.'],
    [['--env', 'CI_X=1'], 'is reserved: Millrace sets CI and CI_*.'],
    [['--branch', 'a', '--tag', 'b'], 'An event is of a branch or of a tag, not of both.'],
    [['--shell-on-failure'], '--shell-on-failure needs a terminal.'],
    [['--event', 'x'], "argument 'x' is invalid"],
  ])('%j is told in four lines at most', async (args, message) => {
    await pipeline('      - run: echo ran\n');
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(4);
  });

  it('says where it is too large, before any step', async () => {
    await writeFile(join(tree, 'large'), Buffer.alloc(1_100_000));
    await pipeline('      - run: echo ran\n');
    const line = new CommandLine(tree, { TMPDIR: folder, MAX_WORKSPACE_SIZE: '1MiB' });
    const { code, stdout, stderr } = await line.run(['run', '--keep']);
    expect([code, stdout]).toEqual([2, '']);
    // Nothing of the copy stays.
    expect((await readdir(folder)).filter((name) => name.startsWith('mr-'))).toEqual([]);
    expect(stderr).toContain('has more than 1 MiB (MAX_WORKSPACE_SIZE) that git does not ignore');
  }, 30_000);

  it('ends with a line that opens a shell where the step failed', async () => {
    await pipeline(
      `      - { name: bad, run: exit 3, working_directory: src, environment: { A: "it's" } }\n`,
    );
    const kept = await run('--keep');
    const script = /^Shell where s\/bad failed: (\S+)$/.exec(
      kept.stderr.trimEnd().split('\n').at(-1) ?? '',
    )?.[1];
    const said = execFileSync(script ?? 'no line', {
      input: 'basename "$PWD"; echo "$A $CI_STEP"\n',
    });
    expect([kept.code, said.toString()]).toEqual([1, "src\nit's bad\n"]);
  }, 30_000);

  atTerminal(
    'opens that shell at once',
    async () => {
      await pipeline(`      - { name: bad, run: exit 3, working_directory: src }\n`);
      const command = `${process.execPath} ${entryFile('cli')} run --shell-on-failure`;
      const output = execFileSync('script', ['-qc', command, '/dev/null'], {
        cwd: tree,
        env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder },
        input: 'echo "in $(basename "$PWD") of $CI_STEP"; exit\n',
        timeout: 25_000,
      }).toString();
      expect(output).toContain('in src of bad');
    },
    30_000,
  );
});
