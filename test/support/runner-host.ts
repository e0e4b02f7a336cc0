import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What the host is asked for; `start` answers when the process runs. */
export type HostRequest =
  | { readonly op: 'start'; readonly group: string; readonly line: string; readonly cwd: string }
  | { readonly op: 'sweep'; readonly group: string }
  | { readonly op: 'sweepStale'; readonly prefix: string }
  | { readonly op: 'launcher' };

const PROGRAM = (module: string, options: string): string => `
import { createInterface } from 'node:readline';
import { LauncherProcessRunner } from ${JSON.stringify(module)};
const runner = new LauncherProcessRunner(${options});
let ids = 0;
async function answer(request) {
  switch (request.op) {
    case 'start': {
      const { group, line, cwd } = request;
      const environment = { PATH: process.env.PATH };
      const running = await runner.start(
        { id: String(++ids), group, command: '/bin/sh', args: ['-c', line], environment, cwd });
      running.stdout.resume();
      running.stderr.resume();
      return 0;
    }
    case 'sweep': return runner.sweep(request.group);
    case 'sweepStale': return runner.sweepStale(request.prefix);
    case 'launcher': await runner.warmUp(); return runner.launcherPid();
  }
}
for await (const line of createInterface({ input: process.stdin })) {
  console.log(await answer(JSON.parse(line)).catch((error) => 'error ' + error.message));
}
await runner.close();
`;

/** A process runner in a process of its own, so that its rights can be less than the test's. */
export class RunnerHost {
  private readonly answers: AsyncIterator<string>;

  private constructor(readonly child: ChildProcess) {
    this.answers = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> })[
      Symbol.asyncIterator
    ]();
  }

  /**
   * `module`: path of the runner as JavaScript. `before`: a program with arguments that starts
   * node.
   */
  static start(
    folder: string,
    module: string,
    options: object,
    before: readonly string[] = [],
  ): RunnerHost {
    const program = join(folder, 'host.mjs');
    writeFileSync(program, PROGRAM(module, JSON.stringify(options)));
    const [command, ...args] = [...before, process.execPath, program];
    return new RunnerHost(
      spawn(command, args, {
        env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
  }

  async ask(request: HostRequest): Promise<number> {
    this.child.stdin?.write(`${JSON.stringify(request)}\n`);
    const { value } = (await this.answers.next()) as { readonly value?: string };
    if (value === undefined || value.startsWith('error')) throw new Error(value ?? 'host is gone');
    return Number(value);
  }

  /** Ends the runner in its own way. */
  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.stdin?.end();
    await gone;
  }
}
