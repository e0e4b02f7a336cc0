import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { TestOutcome } from '../../common/junit/test-case.js';
import type { ReportedCase } from '../../common/junit/test-report.js';
import type { CaseOutcomes } from '../../engine/reports/flaky.js';

const LETTERS: readonly (readonly [TestOutcome, string])[] = [
  ['passed', 'p'],
  ['failed', 'f'],
  ['error', 'e'],
  ['skipped', 's'],
];
const LETTER_OF = new Map(LETTERS);
const OUTCOME_OF = new Map(LETTERS.map(([outcome, letter]) => [letter, outcome]));
type Row = readonly [suite: string, className: string, name: string, file: string, tries: string];

/** How cases ended, without texts: about ten bytes for each. */
export function packOutcomes(cases: readonly ReportedCase[]): Promise<Buffer> {
  const rows: Row[] = cases.map(({ suite, className, name, file = '', tries }) => {
    const letters = tries.map((outcome) => LETTER_OF.get(outcome) ?? '').join('');
    return [suite, className, name, file, letters];
  });
  return promisify(gzip)(JSON.stringify(rows));
}

/** Bytes of what `packOutcomes` has packed, as gzip says at its end. */
export function unpackedBytes(packed: Buffer): number {
  return packed.readUInt32LE(packed.length - 4);
}

/**
 * What `packOutcomes` has packed.
 *
 * @throws RangeError for more than `maxBytes`
 */
export async function unpackOutcomes(packed: Buffer, maxBytes: number): Promise<CaseOutcomes[]> {
  const text = await promisify(gunzip)(packed, { maxOutputLength: maxBytes });
  return (JSON.parse(text.toString('utf8')) as Row[]).map(
    ([suite, className, name, file, letters]) => ({
      ...{ suite, className, name },
      ...(file !== '' && { file }),
      tries: [...letters].flatMap((letter) => OUTCOME_OF.get(letter) ?? []),
    }),
  );
}
