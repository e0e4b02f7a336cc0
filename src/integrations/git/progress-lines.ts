import { redactCredentials } from '../../common/url-credentials.js';

const MAX_LINES = 1000;
const MAX_LINE_LENGTH = 1000;

/**
 * Turns what git or a server says into lines for the log: no credentials, no control characters (a server's
 * text must not steer a terminal), at most 1,000 characters a line and 1,000 lines; what is over is dropped with a notice.
 */
export class ProgressLines {
  private count = 0;

  constructor(
    private readonly sink: (line: string) => void,
    private readonly forms: readonly string[],
  ) {}

  write(text: string): void {
    if (this.count > MAX_LINES) return;
    const line = cleanLine(text, this.forms);
    if (line === '') return;
    this.count += 1;
    this.sink(this.count > MAX_LINES ? '(more progress lines are left out)' : line);
  }
}

/** One line of outside text, made fit for a log or an error message. */
export function cleanLine(text: string, forms: readonly string[]): string {
  return redactCredentials(text, forms)
    .replace(escapeSequence, '')
    .replace(controlCharacters, ' ')
    .trim()
    .slice(0, MAX_LINE_LENGTH);
}

const escapeSequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|[@-_])/g;

const controlCharacters = /[\u0000-\u001f\u007f-\u009f]+/g;
