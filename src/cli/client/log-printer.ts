import type { LogLine } from '../api/wire-readers.js';
import { cleanText } from '../terminal/clean-text.js';
import { logPrefix, formatLogText } from '../terminal/log-line.js';
import type { Terminal } from '../terminal/terminal.js';

export interface LogStyle {
  /** The name of the step before each line. */
  readonly prefix: boolean;
  /** The time of each line, as the server tells it. */
  readonly timestamps: boolean;
}

/**
 * Shows the lines of a log as `run` shows them; the pieces of a long line are put together again.
 */
export class LogPrinter {
  private open: string | undefined;

  constructor(
    private readonly terminal: Terminal,
    private readonly style: LogStyle = { prefix: true, timestamps: false },
  ) {}

  /** Resolves when the reader took it. */
  async print(lines: readonly LogLine[]): Promise<void> {
    let text = '';
    for (const line of lines) text += this.textOf(line);
    this.terminal.write(text);
    await this.terminal.drained();
  }

  /** Ends a line whose last piece never came, so that what follows begins its own. */
  end(): void {
    if (this.open !== undefined) this.terminal.write('\n');
    this.open = undefined;
  }

  private textOf(line: LogLine): string {
    const key = JSON.stringify([line.stage, line.step, line.attempt, line.stream]);
    const continues = this.open === key;
    const broken = this.open !== undefined && !continues ? '\n' : '';
    this.open = line.continues ? key : undefined;
    const start = continues ? '' : `${broken}${this.head(line)}`;
    return `${start}${formatLogText(line.stream, line.text, this.terminal)}${line.continues ? '' : '\n'}`;
  }

  private head({ ts, ...place }: LogLine): string {
    const time = this.style.timestamps ? `${this.terminal.paint('dim', cleanText(ts))} ` : '';
    return this.style.prefix ? `${time}${logPrefix(place, this.terminal)}` : time;
  }
}
