import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { entryFile } from '../../src/config/paths.js';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of the built command line that runs; what it says is gathered. */
export interface RunningCommand {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Sends a signal to it alone. */
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Outcome>;
}

/** The built command line as the user has it: real processes, in a home of its own. */
export class CommandLine {
  constructor(
    private readonly home: string,
    private readonly environment: Readonly<Record<string, string>> = {},
  ) {}

  start(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): RunningCommand {
    const child = spawn(process.execPath, [entryFile('cli'), ...args], {
      cwd: this.home,
      env: {
        PATH: process.env['PATH'],
        HOME: this.home,
        MILLRACE_HOME: `${this.home}/data`,
        ...this.environment,
        ...environment,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (said.stdout += piece));
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (said.stderr += piece));
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }));
    return {
      child,
      stdout: () => said.stdout,
      stderr: () => said.stderr,
      signal: (name) => void child.kill(name),
      ended,
    };
  }

  async run(
    args: readonly string[],
    { input = '', ...environment }: Readonly<Record<string, string>> = {},
    bytes: Buffer = Buffer.from(input),
  ): Promise<Outcome> {
    const command = this.start(args, environment);
    command.child.stdin?.end(bytes);
    return command.ended;
  }
}

/** Runs a program to its end. */
export async function runProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    closed,
  ]);
  return { code, stdout, stderr };
}
