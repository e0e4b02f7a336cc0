import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContainer, Repetition, Subject, Workload } from '../subject.js';

/** A program on this machine that runs the steps itself, each with a log file and a status file. */
abstract class LocalSubject implements Subject {
  abstract readonly name: 'sh' | 'make';

  constructor(private readonly folder: string) {}

  async prepare(work: Workload): Promise<Repetition> {
    const scripts = await mkdtemp(join(this.folder, `${this.name}-`));
    const commands = Array.from({ length: work.runs }, () => work.commands)
      .flat()
      .map((command) => withContainer(command, work.container));
    for (const [index, command] of commands.entries()) {
      await writeFile(join(scripts, `${index + 1}.sh`), command);
    }
    const atOnce = work.runs > 1 ? 8 : work.parallel;
    const [program, ...args] = await this.program(scripts, commands.length, atOnce);
    const output = join(scripts, 'output');
    return async () => {
      await mkdir(output);
      const start = performance.now();
      await run(program, args, output);
      const took = performance.now() - start;
      await requireAll(output, commands.length);
      await rm(output, { recursive: true });
      return took;
    };
  }

  /**
   * The command that runs `count` scripts, `atOnce` at a time; it is started in the folder for the
   * output.
   */
  protected abstract program(
    scripts: string,
    count: number,
    atOnce: number,
  ): Promise<readonly [string, ...string[]]>;
}

/** `docker run` of a command that has no quote in it. */
function withContainer(command: string, container: BenchContainer | undefined): string {
  if (container === undefined) return command;
  const { host, image } = container;
  return `docker --host ${host} run --rm --network none ${image} sh -c '${command}'`;
}

const STEP = 'sh -e "$1/$2.sh" > "$2.log" 2>&1; echo $? > "$2.status"';

/** Plain shell: a loop, or `xargs -P` where steps run side by side. */
export class ShellSubject extends LocalSubject {
  readonly name = 'sh';

  protected async program(
    scripts: string,
    count: number,
    atOnce: number,
  ): Promise<readonly [string, ...string[]]> {
    await writeFile(join(scripts, 'step'), STEP);
    const loop = `i=1; while [ $i -le ${count} ]; do set -- ${scripts} $i; ${STEP}; i=$((i+1)); done`;
    const pool = `seq ${count} | xargs -P ${atOnce} -n 1 sh ${scripts}/step ${scripts}`;
    return ['sh', '-c', atOnce === 1 ? loop : pool];
  }
}

export class MakeSubject extends LocalSubject {
  readonly name = 'make';

  protected async program(
    scripts: string,
    count: number,
    atOnce: number,
  ): Promise<readonly [string, ...string[]]> {
    const names = Array.from({ length: count }, (_, index) => `step${index + 1}`);
    const recipe = `@sh -e ${scripts}/$*.sh > $*.log 2>&1; echo $$? > $*.status`;
    const file = join(scripts, 'Makefile');
    await writeFile(file, `all: ${names.join(' ')}\nstep%:\n\t${recipe}\n`);
    return ['make', '-s', '-f', file, `-j${atOnce}`];
  }
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}`);
}

/** @throws Error when a step has no log or no good status */
export async function requireAll(folder: string, count: number): Promise<void> {
  const names = await readdir(folder);
  const logs = names.filter((name) => name.endsWith('.log'));
  const statuses = names.filter((name) => name.endsWith('.status'));
  if (logs.length !== count || statuses.length !== count) {
    throw new Error(`${folder}: ${statuses.length} of ${count} steps ended`);
  }
  for (const name of statuses) {
    const status = (await readFile(join(folder, name), 'utf8')).trim();
    if (status !== '0') throw new Error(`${folder}/${name}: ${status}`);
  }
}
