import type { Writable } from 'node:stream';
import { type Environment, readEnvironment } from '../../config/environment.js';
import { foldLine } from './fold-line.js';

/** Where a command speaks: results to standard output, everything else to standard error. */
export class Terminal {
  private gone = false;

  constructor(
    private readonly out: Writable = process.stdout,
    private readonly err: Writable = process.stderr,
    readonly colour: boolean = isColoured(
      readEnvironment(),
      process.stdout.isTTY && process.stderr.isTTY,
    ),
  ) {
    // Whoever read has gone (`| head`, a closed terminal): what we do continues, and our exit code
    // tells the result.
    for (const stream of [out, err]) stream.on('error', () => undefined);
    out.on('error', () => (this.gone = true));
  }

  /** Whoever read the results has gone. */
  get readerGone(): boolean {
    return this.gone;
  }

  /**
   * Characters of one line of a terminal; `undefined` when results go to a file or a program, which
   * take any length, and where the terminal does not say.
   */
  get columns(): number | undefined {
    return columnsOf(this.out);
  }

  /** Results go to a terminal, which obeys control characters. */
  get isTerminal(): boolean {
    return (this.out as Partial<NodeJS.WriteStream>).isTTY ?? false;
  }

  /**
   * Waits until what was printed has been taken, so that a slow reader does not fill the memory.
   */
  async drained(): Promise<void> {
    if (!this.out.writableNeedDrain || this.gone) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ['drain', 'error', 'close']) this.out.off(event, done);
        resolve();
      };
      for (const event of ['drain', 'error', 'close']) this.out.on(event, done);
    });
  }

  /** One line of a result for people, or several; in lines of the width of the terminal. */
  print(line = ''): void {
    this.out.write(`${folded(line, this.columns)}\n`);
  }

  /** One line of a result as it is: for programs, printed by a step, or to paste into a shell. */
  printWhole(line: string): void {
    this.out.write(`${line}\n`);
  }

  /** Bytes of a result, as they are. */
  write(bytes: Buffer | string): void {
    this.out.write(bytes);
  }

  /** One line beside the result: progress, hints, errors; as `print` does. */
  say(line = ''): void {
    this.err.write(`${folded(line, columnsOf(this.err))}\n`);
  }

  /** One line of JSON beside the result. */
  sayWhole(line: string): void {
    this.err.write(`${line}\n`);
  }

  paint(style: Style, text: string): string {
    return this.colour ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
  }
}

/** A terminal of no columns is one whose size was never set. */
function columnsOf(stream: Writable): number | undefined {
  const { isTTY, columns = 0 } = stream as Partial<NodeJS.WriteStream>;
  return isTTY && columns > 0 ? columns : undefined;
}

function folded(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  return text
    .split('\n')
    .map((line) => foldLine(line, columns))
    .join('\n');
}

/**
 * Colours are for people at a terminal, but where somebody wants none (https://no-color.org) or
 * wants them everywhere (https://force-color.org). Who asks for both wants none.
 */
export function isColoured(environment: Environment, isForPeople: boolean): boolean {
  const { NO_COLOR: refused = '', FORCE_COLOR: forced = '', TERM: kind } = environment;
  if (refused !== '') return false;
  if (forced !== '') return !['0', 'false'].includes(forced);
  return isForPeople && kind !== 'dumb';
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** SGR parameters (ECMA-48). */
const STYLES: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  cyan: 36,
};
