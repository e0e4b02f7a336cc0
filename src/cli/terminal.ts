import { readEnvironment } from '../config/environment.js';

/** Where a command speaks: results to standard output, everything else to standard error. */
export class Terminal {
  constructor(
    private readonly out: NodeJS.WritableStream = process.stdout,
    private readonly err: NodeJS.WritableStream = process.stderr,
    /** Colours are for people at a terminal (https://no-color.org). */
    readonly colour: boolean = isForPeople(),
  ) {
    // Whoever read has gone (`| head`, a closed terminal): what we do goes on, and our exit code tells the result.
    for (const stream of [out, err]) stream.on('error', () => undefined);
  }

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

function isForPeople(): boolean {
  const { NO_COLOR: refused = '', TERM: kind } = readEnvironment();
  return process.stdout.isTTY && process.stderr.isTTY && refused === '' && kind !== 'dumb';
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
