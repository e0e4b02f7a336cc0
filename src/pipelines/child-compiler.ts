import { spawn } from 'node:child_process';
import { serviceUnavailable, unprocessable } from '../common/errors/millrace.error.js';
import type { CompiledYaml } from './compiled-yaml.js';

export interface ChildCompilerOptions {
  /** The program: `entryFile('pipelines/compile-child')`. */
  readonly program: string;
  readonly timeoutMs: number;
}

/** Children at once, and requests that may wait for one. */
const maxChildren = 2;
const maxWaiting = 16;
/** Heap of a child, MiB, and the largest answer that is taken from it, bytes. */
const maxHeapMiB = 512;
const maxAnswerBytes = 64 * 1024 * 1024;

/**
 * Compiles YAML in a process of its own with a heap limit and a kill timer: some small files keep a YAML parser busy
 * for a minute, and some end the process that reads them.
 */
export class ChildCompiler {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly options: ChildCompilerOptions) {}

  /** @throws UnprocessableError when the file is too complex, ServiceUnavailableError when too many wait */
  async compile(yaml: string): Promise<CompiledYaml> {
    await this.enter();
    try {
      return await this.runChild(yaml);
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.running < maxChildren) {
      this.running += 1;
      return;
    }
    if (this.waiting.length >= maxWaiting) {
      throw serviceUnavailable('Too many large pipelines are being read.');
    }
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Hands the place on, so that nobody can slip in between. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.running -= 1;
  }

  private runChild(yaml: string): Promise<CompiledYaml> {
    const { program, timeoutMs } = this.options;
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [`--max-old-space-size=${maxHeapMiB}`, program], {
        env: {},
        stdio: ['pipe', 'pipe', 'ignore'],
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
      });
      const parts: Buffer[] = [];
      let size = 0;
      child.stdout.on('data', (part: Buffer) => {
        size += part.length;
        if (size > maxAnswerBytes) child.kill('SIGKILL');
        else parts.push(part);
      });
      // A child that died early closes its end; its exit tells what happened.
      child.stdin.on('error', () => undefined);
      child.stdin.end(yaml);
      child.on('error', reject);
      child.on('close', (code) => {
        if (code === 0) resolve(JSON.parse(Buffer.concat(parts).toString('utf8')) as CompiledYaml);
        else reject(tooComplex());
      });
    });
  }
}

function tooComplex(): Error {
  return unprocessable('The YAML is too complex to be read within the limits.', {
    suggestions: [
      'Use fewer keys, anchors and nesting levels, or split the file into several pipelines.',
    ],
  });
}
