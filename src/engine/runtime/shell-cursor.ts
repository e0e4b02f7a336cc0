/** How the place that was reached reads a `${VARIABLE}`. */
export type ShellPlace =
  /** Expands it: unquoted, in double quotes, in a here-document. */
  | 'expanding'
  /** Takes it literally, until the quote is closed. */
  | 'single_quoted'
  /** Takes it literally, whatever is done. */
  | 'quoted_heredoc';

type Frame = 'code' | 'parenthesis' | 'backtick' | 'double' | 'single' | 'comment';

interface Heredoc {
  readonly delimiter: string;
  readonly quoted: boolean;
  readonly stripTabs: boolean;
}

const HEREDOC = /<<(-?)[ \t]*(?:'([^'\n]+)'|"([^"\n]+)"|(\\?)([A-Za-z_][\w.-]*))/y;

/**
 * Follows a shell text as far as quotes, comments and here-documents go, to know in what kind of place it is.
 *
 * It knows less than a shell (no `case` patterns inside `$( )`, no `$'…'`). Where it errs, the value of a
 * variable arrives wrongly quoted; it never becomes code, because only references to variables are written.
 */
export class ShellCursor {
  private readonly frames: Frame[] = ['code'];
  private readonly announced: Heredoc[] = [];
  private heredoc: Heredoc | undefined;
  /** Of the here-document, so far. */
  private line = '';
  private escaped = false;
  private previous = '\n';

  get place(): ShellPlace {
    if (this.heredoc !== undefined) return this.heredoc.quoted ? 'quoted_heredoc' : 'expanding';
    return this.top === 'single' ? 'single_quoted' : 'expanding';
  }

  /** Passes something that is no text of the shell's: a word like any other. */
  passWord(): void {
    this.escaped = false;
    this.previous = 'x';
    this.line += '\0';
  }

  pass(text: string): void {
    let at = 0;
    while (at < text.length) {
      const char = text.charAt(at);
      const skipped = this.heredoc === undefined ? this.step(char, text, at) : this.inHeredoc(char);
      this.previous = char;
      at += 1 + skipped;
    }
  }

  /** Returns how many further characters were read. */
  private step(char: string, text: string, at: number): number {
    if (this.escaped) {
      this.escaped = false;
      return 0;
    }
    switch (this.top) {
      case 'single':
        if (char === "'") this.frames.pop();
        return 0;
      case 'comment':
        if (char === '\n') this.frames.pop();
        if (char === '\n') this.nextHeredoc();
        return 0;
      case 'double':
        this.inDouble(char);
        return 0;
      case 'code':
      case 'parenthesis':
      case 'backtick':
        return this.inCode(char, text, at);
    }
  }

  private inDouble(char: string): void {
    if (char === '\\') this.escaped = true;
    else if (char === '"') this.frames.pop();
    else if (char === '`') this.frames.push('backtick');
    else if (char === '(' && this.previous === '$') this.frames.push('parenthesis');
  }

  private inCode(char: string, text: string, at: number): number {
    switch (char) {
      case '\\':
        this.escaped = true;
        return 0;
      case "'":
        this.frames.push('single');
        return 0;
      case '"':
        this.frames.push('double');
        return 0;
      case '`':
        if (this.top === 'backtick') this.frames.pop();
        else this.frames.push('backtick');
        return 0;
      case '(':
        this.frames.push('parenthesis');
        return 0;
      case ')':
        if (this.top === 'parenthesis') this.frames.pop();
        return 0;
      case '#':
        if (/[\s;&|()]/.test(this.previous)) this.frames.push('comment');
        return 0;
      case '<':
        return this.announceHeredoc(text, at);
      case '\n':
        this.nextHeredoc();
        return 0;
      default:
        return 0;
    }
  }

  private announceHeredoc(text: string, at: number): number {
    if (this.previous === '<') return 0;
    HEREDOC.lastIndex = at;
    const match = HEREDOC.exec(text);
    if (match === null) return 0;
    const [whole, dash, single, double, backslash, bare] = match;
    const delimiter = single ?? double ?? bare ?? '';
    const quoted = bare === undefined || backslash !== '';
    this.announced.push({ delimiter, quoted, stripTabs: dash === '-' });
    return whole.length - 1;
  }

  private inHeredoc(char: string): number {
    if (char !== '\n') {
      this.line += char;
      return 0;
    }
    const line = this.heredoc?.stripTabs === true ? this.line.replace(/^\t+/, '') : this.line;
    if (line === this.heredoc?.delimiter) this.nextHeredoc();
    this.line = '';
    return 0;
  }

  private nextHeredoc(): void {
    this.heredoc = this.announced.shift();
    this.line = '';
  }

  private get top(): Frame {
    return this.frames[this.frames.length - 1] ?? 'code';
  }
}
