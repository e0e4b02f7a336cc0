import { Turns } from '../async/turns.js';
import { JUnitCases, type TextMasks } from './junit-cases.js';
import { JUnitError } from './junit-error.js';
import { JUNIT_LIMITS, type JUnitLimits } from './junit-limits.js';
import type { TestCase } from './test-case.js';
import { XmlText } from './xml-text.js';

/**
 * Bytes that are decoded at once: so long a text is not moved about in memory while the parser has
 * parts of it, which would take longer than the parsing.
 */
const BLOCK = 2 ** 18;
/** UTF-16 units: about a millisecond of parsing. */
const PIECE = 2 ** 14;

/**
 * The cases of a JUnit report in the order of the file, as Surefire, Gradle, pytest, PHPUnit,
 * jest-junit, mocha-junit-reporter, go-junit-report, gotestsum and CTest write it. What the file
 * says of itself in numbers is not believed, and every text of it is masked. It is read in pieces,
 * and other work has its turn between them.
 * @throws JUnitError, the reason of the signal, or an error of the stream
 */
export async function readJUnit(
  stream: AsyncIterable<Buffer>,
  masks: TextMasks,
  limits: JUnitLimits = JUNIT_LIMITS,
  signal?: AbortSignal,
): Promise<readonly TestCase[]> {
  const xml = new XmlText();
  const cases = new JUnitCases(masks, limits);
  let bytes = 0;
  let block: Buffer[] = [];
  let blockBytes = 0;
  const turns = new Turns();
  const parse = async (text: string): Promise<void> => {
    for (let at = 0; at < text.length; at += PIECE) {
      cases.read(text.slice(at, at + PIECE));
      if (turns.isOver()) await turns.pass(signal);
    }
  };
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > limits.maxBytes) {
      const message = `The report has more than ${limits.maxBytes} bytes.`;
      throw new JUnitError('too_large', message, cases.place());
    }
    block.push(chunk);
    blockBytes += chunk.length;
    if (blockBytes < BLOCK) continue;
    await parse(xml.text(Buffer.concat(block)));
    block = [];
    blockBytes = 0;
  }
  await parse(xml.text(Buffer.concat(block)));
  await parse(xml.end());
  return cases.finish();
}
