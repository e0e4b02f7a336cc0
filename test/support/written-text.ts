import { Writable } from 'node:stream';
import { Terminal } from '../../src/cli/terminal/terminal.js';

/** A terminal of a test: what is written to it, and how wide it is. */
export class WrittenTerminal {
  private readonly pieces: string[] = [];
  private readonly asides: string[] = [];
  readonly terminal: Terminal;

  constructor({ colour = false, columns }: { colour?: boolean; columns?: number } = {}) {
    const out = Object.assign(collect(this.pieces), columns ? { isTTY: true, columns } : {});
    this.terminal = new Terminal(out, collect(this.asides), colour);
  }

  /** Results. */
  get out(): string {
    return this.pieces.join('');
  }

  /** What stood beside them. */
  get err(): string {
    return this.asides.join('');
  }
}

function collect(pieces: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      pieces.push(chunk.toString('utf8'));
      done();
    },
  });
}
