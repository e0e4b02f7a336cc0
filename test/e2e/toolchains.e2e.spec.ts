import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CommandLine } from '../support/command-line.js';
import { findProgram } from '../support/needed-programs.js';
import { removeTree } from '../support/remove-tree.js';

const page = join(__dirname, '../../docs/toolchains.md');

/** A toolchain of the page, the project that its pipeline is for, and what shows that it ran. */
interface Toolchain {
  readonly programs: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly prints: string;
  /** Only a program of that name, as the real one is of one user. */
  readonly alwaysStandIn?: true;
}

const toolchains: Readonly<Record<string, Toolchain>> = {
  node: {
    programs: ['node'],
    files: { 'test.js': 'console.log("it " + "runs")' },
    prints: 'it runs',
  },
  python: { programs: ['python3'], files: {}, prints: '/.venv' },
  go: {
    programs: ['go'],
    files: { 'main.go': 'package main\nfunc main() { println("it " + "runs") }\n' },
    prints: 'it runs',
  },
  rust: { programs: ['cargo'], files: {}, prints: 'cargo test --locked', alwaysStandIn: true },
  java: {
    programs: ['java'],
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
      let isReal = true;
      for (const program of toolchain.programs) {
        const found = toolchain.alwaysStandIn ? undefined : placeOf(program);
        if (found !== undefined) await symlink(found, join(bin, program));
        else await standIn(join(bin, program));
        isReal &&= found !== undefined;
      }
      const project = join(folder, 'project');
      await mkdir(project);
      execFileSync('git', ['init', '--quiet'], { cwd: project });
      for (const [file, text] of Object.entries(toolchain.files)) {
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
      expect(stdout).toContain(isReal ? toolchain.prints : 'stand-in of ');
      if (toolchain.alwaysStandIn) expect(stdout).toContain(toolchain.prints);
    },
    120_000,
  );
});

/** The program itself, as those of version managers are for one user. */
function placeOf(program: string): string | undefined {
  const found = findProgram(program);
  if (program !== 'python3' || found === undefined) return found;
  const ask = ['-c', 'import sys; print(sys.executable)'];
  return execFileSync(found, ask, { encoding: 'utf8' }).trim();
}

/** Says how it was called. */
async function standIn(path: string): Promise<void> {
  const name = path.slice(dirname(path).length + 1);
  await writeFile(path, `#!/bin/sh\necho "stand-in of ${name} $*"\n`, { mode: 0o755 });
}
