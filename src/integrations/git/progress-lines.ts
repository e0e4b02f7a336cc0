import { redactCredentials } from '../../common/url-credentials.js';

export const MAX_LINES = 1000;
const MAX_LINE_LENGTH = 1000;
/** Of a state that changes all the time, such as a percentage, one is shown in this time. */
const UPDATE_MS = 3000;

/**
 * Turns what git or a server says into lines for the log: no credentials, neither control
 * characters nor those that end or turn a line in Unicode (a server's text must not steer a
 * terminal), at most 1,000 characters a line and 1,000 lines; what is over is dropped with a
 * notice.
 */
export class ProgressLines {
  private count = 0;
  private readonly due = new UpdateClock();

  constructor(
    private readonly sink: (line: string) => void,
    private readonly forms: readonly string[],
  ) {}

  /** A state that the next one replaces: most are left out. */
  update(text: string): void {
    if (this.due.isDue()) this.write(text);
  }

  write(text: string): void {
    if (this.count > MAX_LINES) return;
    const line = cleanLine(text, this.forms);
    if (line === '') return;
    this.count += 1;
    this.sink(this.count > MAX_LINES ? '(more progress lines are left out)' : line);
  }
}

/** Progress as isomorphic-git and its remotes tell it. */
export class ChildProgress {
  private readonly due = new UpdateClock();
  private rest = '';

  constructor(readonly write: (line: string) => void) {}

  /** A state that the next one replaces: most are left out. */
  update(text: string): void {
    if (this.due.isDue()) this.write(text);
  }

  /**
   * A piece of what the remote says. A line that ends in `\r` is to be overwritten by the next one.
   */
  remoteText(text: string): void {
    const parts = (this.rest + text).slice(-MAX_LINE_LENGTH).split(/(?<=[\r\n])/);
    this.rest = /[\r\n]$/.test(parts.at(-1) ?? '') ? '' : (parts.pop() ?? '');
    for (const part of parts) {
      const line = part.trimEnd();
      if (line === '') continue;
      if (part.endsWith('\r')) this.update(`remote: ${line}`);
      else this.write(`remote: ${line}`);
    }
  }
}

class UpdateClock {
  private toldAt = performance.now();

  isDue(): boolean {
    const now = performance.now();
    if (now - this.toldAt < UPDATE_MS) return false;
    this.toldAt = now;
    return true;
  }
}

/** One line of outside text, made fit for a log or an error message. */
export function cleanLine(text: string, forms: readonly string[]): string {
  return redactCredentials(text, forms)
    .replace(ESCAPE_SEQUENCE, '')
    .replace(CONTROL_CHARACTERS, ' ')
    .trim()
    .slice(0, MAX_LINE_LENGTH);
}

/** CSI (colours, cursor), OSC (titles, links) up to its end, and the short ones. */
const ESCAPE_SEQUENCE =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;

/** Also what ends a line or turns its direction in Unicode. */
const CONTROL_CHARACTERS =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;
