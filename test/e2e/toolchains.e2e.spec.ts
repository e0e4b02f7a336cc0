import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CommandLine } from '../support/command-line.js';
import { findGo } from '../support/language-images.js';
import { findProgram } from '../support/needed-programs.js';
import { removeTree } from '../support/remove-tree.js';

const page = join(__dirname, '../../docs/toolchains.md');

/** A toolchain of the page, the project that its pipeline is for, and what shows that it ran. */
interface Toolchain {
  /** The packages of Debian that bring its programs. */
  readonly programs: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
  readonly prints: string;
}

const toolchains: Readonly<Record<string, Toolchain>> = {
  node: {
    programs: { node: 'nodejs' },
    files: { 'test.js': 'console.log("it " + "runs")' },
    prints: 'it runs',
  },
  python: { programs: { python3: 'python3' }, files: {}, prints: '/.venv' },
  go: {
    programs: { go: 'golang-go' },
    files: { 'main.go': 'package main\nfunc main() { println("it " + "runs") }\n' },
    prints: 'it runs',
  },
  rust: {
    programs: { cargo: 'cargo', rustc: 'rustc' },
    files: {
      'Cargo.toml': '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n',
      'Cargo.lock': 'version = 3\n\n[[package]]\nname = "shop"\nversion = "0.1.0"\n',
      'src/main.rs': 'fn main() {}\n#[test]\nfn it_runs() {}\n',
    },
    prints: 'test it_runs ... ok',
  },
  java: {
    programs: { java: 'default-jdk-headless' },
    files: {
      'Main.java':
        'public class Main { public static void main(String[] a) { System.out.println("it " + "runs"); } }',
    },
    prints: 'it runs',
  },
};

/** Every pipeline of docs/toolchains.md runs, with a stand-in for what a machine does not have. */
describe('docs/toolchains.md', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-toolchains-'));
  });
  afterEach(() => removeTree(folder));

  const pipelines = async (): Promise<ReadonlyMap<string, string>> => {
    const blocks = (await readFile(page, 'utf8')).matchAll(/```yaml\n([^]*?)```/g);
    const texts = [...blocks].map(([, text = '']) => text);
    return new Map(texts.map((text) => [/^name: (\w+)$/m.exec(text)?.[1] ?? '', text]));
  };

  it('has a pipeline for each of them, and no other', async () => {
    expect([...(await pipelines()).keys()]).toEqual(Object.keys(toolchains));
  });

  it.each(Object.entries(toolchains))(
    '%s',
    async (name, toolchain) => {
      const bin = join(folder, 'bin');
      await mkdir(bin);
      const found = new Map(
        Object.keys(toolchain.programs).map((program) => [program, placeOf(program)]),
      );
      // A part of it would be no toolchain.
      const isReal = [...found.values()].every((place) => place !== undefined);
      if (!isReal) refuseInCi(toolchain);
      for (const [program, place] of found) {
        if (isReal) await symlink(place ?? '', join(bin, program));
        else await standIn(join(bin, program));
      }
      const project = join(folder, 'project');
      await mkdir(project);
      execFileSync('git', ['init', '--quiet'], { cwd: project });
      for (const [file, text] of Object.entries(toolchain.files)) {
        await mkdir(dirname(join(project, file)), { recursive: true });
        await writeFile(join(project, file), text);
      }
      const text = ((await pipelines()).get(name) ?? '').replace(`/opt/${name}/bin`, bin);
      await writeFile(join(project, '.millrace.yml'), text);
      const line = new CommandLine(project, {
        HOME: folder,
        TMPDIR: folder,
        XDG_CACHE_HOME: folder,
      });
      const { code, stdout, stderr } = await line.run(['run']);
      expect([code, stderr]).toEqual([0, expect.stringContaining('Result')]);
      expect(stdout).toContain(isReal ? toolchain.prints : `stand-in of ${[...found.keys()][0]} `);
    },
    120_000,
  );
});

/** The program itself: those of version managers are for one user. */
function placeOf(program: string): string | undefined {
  if (program === 'go') {
    const go = findGo();
    return 'program' in go ? go.program : undefined;
  }
  const found = findProgram(program);
  if (found === undefined) return undefined;
  if (program === 'python3') return said(found, '-c', 'import sys; print(sys.executable)');
  if (program !== 'cargo' && program !== 'rustc') return found;
  // Without a linker there is nothing to test.
  const [rustc, linker] = [findProgram('rustc'), findProgram('cc')];
  if (rustc === undefined || linker === undefined) return undefined;
  const own = join(said(rustc, '--print', 'sysroot'), 'bin', program);
  return existsSync(own) ? own : undefined;
}

function said(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' }).trim();
}

/**
 * CI has what `.ci/install` installs, and the Go that `.ci/run` brings: nothing stands in for these
 * there.
 */
function refuseInCi({ programs }: Toolchain): void {
  if (process.env['CI'] === undefined) return;
  const script = readFileSync(join(__dirname, '../../.ci/install'), 'utf8');
  const list = /^packages=\(\n([^]*?)^\)/m.exec(script)?.[1]?.replaceAll(/#.*/g, '') ?? '';
  const installed = new Set(list.split(/\s+/));
  if (!installed.has('python3')) throw new Error('.ci/install has no list of packages');
  for (const [program, name] of Object.entries(programs)) {
    if (program === 'go') throw new Error('this spec needs Go: test/go/find');
    if (installed.has(name)) throw new Error(`this spec needs ${program}: apt-get install ${name}`);
  }
}

/** Says how it was called. */
async function standIn(path: string): Promise<void> {
  const name = path.slice(dirname(path).length + 1);
  await writeFile(path, `#!/bin/sh\necho "stand-in of ${name} $*"\n`, { mode: 0o755 });
}
