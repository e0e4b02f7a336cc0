import { TextDecoder } from 'node:util';
import { AllowedText } from './allowed-text.js';
import { JUnitError } from './junit-error.js';

/** Bytes in which the declaration of an XML file stands, if it has one. */
const DECLARATION = 256;

/**
 * Decodes the bytes of an XML file as they come, by its byte order mark, else by what it declares,
 * else as UTF-8. Bytes that the encoding does not know become U+FFFD, and so do characters that XML
 * does not allow, but for colours, which are left out: what tests print is seldom clean.
 */
export class XmlText {
  private head: Buffer = Buffer.alloc(0);
  private decoder: TextDecoder | undefined;
  private readonly allowed = new AllowedText();

  /** @throws JUnitError `unsupported_encoding` */
  text(bytes: Buffer): string {
    if (this.decoder) return this.allowed.text(this.decoder.decode(bytes, { stream: true }));
    this.head = Buffer.concat([this.head, bytes]);
    return this.head.length < DECLARATION ? '' : this.begin();
  }

  /**
   * What is left at the end of the file.
   * @throws JUnitError `unsupported_encoding`
   */
  end(): string {
    const begun = this.decoder ? '' : this.begin();
    return begun + this.allowed.text(this.decoder?.decode() ?? '') + this.allowed.end();
  }

  private begin(): string {
    this.decoder = decoderOf(this.head);
    return this.allowed.text(this.decoder.decode(this.head, { stream: true }));
  }
}

function decoderOf(head: Buffer): TextDecoder {
  const begins = (...bytes: number[]): boolean => bytes.every((byte, at) => head[at] === byte);
  if (begins(0xff, 0xfe) || begins(0x3c, 0, 0x3f, 0)) return new TextDecoder('utf-16le');
  if (begins(0xfe, 0xff) || begins(0, 0x3c, 0, 0x3f)) return new TextDecoder('utf-16be');
  const declaration = /^(?:\xef\xbb\xbf)?<\?xml\s[^>]*/.exec(
    head.toString('latin1', 0, DECLARATION),
  );
  const declared = /\sencoding\s*=\s*["']([^"']*)["']/.exec(declaration?.[0] ?? '')?.[1];
  // The declaration has been read byte by byte, so whoever declares UTF-16 is mistaken.
  if (declared === undefined || /^utf-?(8|16)/i.test(declared) || begins(0xef, 0xbb, 0xbf)) {
    return new TextDecoder('utf-8');
  }
  try {
    return new TextDecoder(declared);
  } catch {
    const message = 'The report declares an encoding that is not known; write it as UTF-8.';
    throw new JUnitError('unsupported_encoding', message, { line: 1, column: 1 });
  }
}
