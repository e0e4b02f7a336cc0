import { readEnvironment } from '../config/environment.js';

/** Where a command speaks: results to standard output, everything else to standard error. */
export class Terminal {
  constructor(
    private readonly out: NodeJS.WritableStream = process.stdout,
    private readonly err: NodeJS.WritableStream = process.stderr,
    /** Colours are for people at a terminal (https://no-color.org). */
    readonly colour: boolean = process.stdout.isTTY && !('NO_COLOR' in readEnvironment()),
  ) {}

  /** One line of a result. */
  print(line = ''): void {
    this.out.write(`${line}\n`);
  }

  /** Bytes of a result, as they are. */
  write(bytes: Buffer | string): void {
    this.out.write(bytes);
  }

  /** One line beside the result: progress, hints, errors. */
  say(line = ''): void {
    this.err.write(`${line}\n`);
  }

  paint(style: Style, text: string): string {
    return this.colour ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
  }
}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** SGR parameters (ECMA-48). */
const STYLES: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  cyan: 36,
};
