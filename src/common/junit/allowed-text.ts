const ESCAPE = String.raw`(?:\u001b|&#(?:0{0,8}27|x0{0,8}1b);)`;
/** What tells a terminal colours and the like: `ESC[31m`. */
const COLOUR = String.raw`${ESCAPE}\[[0-9;:?]{0,60}[a-z]`;
/** Characters that XML 1.0 does not allow; no decoder gives halves of pairs. */
const NOT_ALLOWED = String.raw`[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]`;
const BY_NUMBER = String.raw`&#(?:[0-9]{1,20}|x[0-9a-f]{1,20});`;
/** A beginning of these whose end has not come: at most 80 UTF-16 units. */
const BEGUN = String.raw`((?:<!?\[?[CDAT]{0,5}|\]{1,2}|&#?x?[0-9a-f]{0,20}|${ESCAPE}(?:\[[0-9;:?]{0,60})?)$)`;
const [CDATA, CDATA_END] = ['<![CDATA[', ']]>'];
const BEFORE = String.raw`<!\[CDATA\[|\]\]>|${COLOUR}`;
const BEHIND = `${NOT_ALLOWED}|${BY_NUMBER}`;
const TOKENS = new RegExp(`${BEFORE}|${BEGUN}|${BEHIND}`, 'gi');
const LAST_TOKENS = new RegExp(`${BEFORE}|${BEHIND}`, 'gi');

const UNKNOWN = '\ufffd';

/**
 * Makes a text, as it comes in pieces, such that an XML parser takes each of its characters: tests
 * print colours and worse, and what writes their reports seldom looks at that. Colours are left
 * out whole; any other character that XML 1.0 does not allow becomes U+FFFD, also where it is
 * written by its number.
 */
export class AllowedText {
  private held = '';
  /** In it a number stands for no character. */
  private isCdata = false;

  /** What is certain so far: at most 80 UTF-16 units are held back. */
  text(piece: string): string {
    const all = this.held + piece;
    this.held = '';
    return all.replace(TOKENS, (token: string, begun: string | undefined) => {
      if (begun === undefined) return this.allowed(token);
      this.held = begun;
      return '';
    });
  }

  /** What was held back, at the end. */
  end(): string {
    const rest = this.held;
    this.held = '';
    return rest.replace(LAST_TOKENS, (token) => this.allowed(token));
  }

  private allowed(token: string): string {
    if (token === CDATA || token === CDATA_END) {
      this.isCdata = token === CDATA;
      return token;
    }
    if (token.startsWith('&') && this.isCdata) return token;
    if (/[a-z]$/i.test(token)) return '';
    return token.startsWith('&') && isAllowed(numberOf(token)) ? token : UNKNOWN;
  }
}

/** Of `&#27;` or `&#x1b;`. */
function numberOf(reference: string): number {
  const digits = reference.slice(2, -1);
  return /^x/i.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number(digits);
}

/** The production `Char` of XML 1.0. */
function isAllowed(code: number): boolean {
  return (
    [0x9, 0xa, 0xd].includes(code) ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  );
}
