import { SaxesParser, type SaxesTagPlain } from 'saxes';
import type { MaskSet } from '../redaction/mask-set.js';
import { JUnitError, type JUnitErrorCode } from './junit-error.js';
import type { JUnitLimits } from './junit-limits.js';
import { parseSeconds } from './seconds.js';
import type { TestCase, TestOutcome, TestTry } from './test-case.js';

const MAX_DEPTH = 100;
/** UTF-16 units before the first element: comments and the like. */
const MAX_PROLOG = 2 ** 16;
/** UTF-16 units of a name. */
const MAX_NAME = 1000;
/**
 * UTF-16 units of a text that is cut. A longer one is left out: it is held as many parts, and to
 * look into it would be to put them together, which holds up all others.
 */
const MAX_LOOKED_INTO = 2 ** 22;
const TEXT_LEFT_OUT = '[left out: the report has too much text]';
const LONG_LEFT_OUT = '[left out: too long]';

/** What an element in a case says of a time that it was run. */
interface Result {
  /** `main`: how it ended the first time; the others are Surefire's, of further times. */
  readonly kind: 'main' | 'rerun' | 'flaky';
  readonly outcome: TestOutcome;
}

const RESULTS: ReadonlyMap<string, Result> = new Map([
  ['failure', { kind: 'main', outcome: 'failed' }],
  ['error', { kind: 'main', outcome: 'error' }],
  ['skipped', { kind: 'main', outcome: 'skipped' }],
  // It failed, and again and again.
  ['rerunFailure', { kind: 'rerun', outcome: 'failed' }],
  ['rerunError', { kind: 'rerun', outcome: 'error' }],
  // It failed, and passed in the end.
  ['flakyFailure', { kind: 'flaky', outcome: 'failed' }],
  ['flakyError', { kind: 'flaky', outcome: 'error' }],
]);

/** Of CTest and GoogleTest, which may say by attributes alone that a case was not run. */
const NOT_RUN = new Set(['notrun', 'disabled', 'skipped', 'suppressed']);

interface Suite {
  readonly name: string;
  readonly file: string | undefined;
}

interface OpenCase extends Omit<TestCase, 'tries'> {
  readonly isNotRun: boolean;
  readonly results: { readonly kind: Result['kind']; readonly try: TestTry }[];
}

interface OpenResult {
  readonly depth: number;
  readonly result: Result;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** Hides secrets before a text is cut: afterwards half of one would be known to nobody. */
export type TextMasks = Pick<MaskSet, 'cutText' | 'longest'>;

/** Makes cases of the text of one report, which comes in pieces. All texts in them are masked. */
export class JUnitCases {
  private readonly parser = new SaxesParser({ xmlns: false, position: true } as const);
  private readonly cases: TestCase[] = [];
  /** Suites around the place, the outermost first. */
  private readonly suites: Suite[] = [];
  private current: OpenCase | undefined;
  private result: OpenResult | undefined;
  private isTextWanted = false;
  private depth = 0;
  private hasRoot = false;
  private prolog = 0;
  private tries = 0;
  private texts = 0;

  constructor(
    private readonly masks: TextMasks,
    private readonly limits: JUnitLimits,
  ) {
    this.parser.on('doctype', () => {
      throw this.error('doctype', 'The report has a DOCTYPE, which no report needs.');
    });
    this.parser.on('opentag', (tag) => this.open(tag));
    this.parser.on('closetag', (tag) => this.close(tag));
    this.parser.on('cdata', (text) => this.addText(text));
  }

  /** @throws JUnitError */
  read(text: string): void {
    this.guarded(() => this.parser.write(text));
    if (this.hasRoot) return;
    this.prolog += text.length;
    if (this.prolog <= MAX_PROLOG) return;
    throw this.error('not_junit', `No element begins in the first ${MAX_PROLOG} characters.`);
  }

  /**
   * All cases, when the text has ended.
   * @throws JUnitError
   */
  finish(): readonly TestCase[] {
    this.guarded(() => this.parser.close());
    return this.cases;
  }

  place(): { readonly line: number; readonly column: number } {
    return { line: this.parser.line, column: this.parser.columnIndex + 1 };
  }

  private guarded(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      if (error instanceof JUnitError) throw error;
      // saxes puts line and column in front.
      const what = (error as Error).message.replace(/^\d+:\d+: /, '').replace(/\.$/, '');
      throw this.error(
        'malformed',
        `The report is no well-formed XML: ${this.masks.cutText(what, 200)}.`,
      );
    }
  }

  private open({ name, attributes }: SaxesTagPlain): void {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) {
      throw this.error('too_deep', `The report has more than ${MAX_DEPTH} elements in each other.`);
    }
    if (!this.hasRoot && name !== 'testsuites' && name !== 'testsuite') {
      throw this.error('not_junit', 'The report begins with neither testsuites nor testsuite.');
    }
    this.hasRoot = true;
    if (name === 'testsuite' || name === 'testsuites') this.openSuite(attributes);
    else if (name === 'testcase') this.openCase(attributes);
    else this.openResult(name, attributes);
  }

  private openSuite(attributes: SaxesTagPlain['attributes']): void {
    if (this.current) throw this.error('not_junit', 'A test case holds a suite.');
    const around = this.suites.at(-1);
    this.suites.push({
      name: this.named(attributes.name) ?? around?.name ?? '',
      file: this.named(attributes.file ?? attributes.filepath) ?? around?.file,
    });
  }

  private openCase(attributes: SaxesTagPlain['attributes']): void {
    if (this.current) throw this.error('not_junit', 'A test case holds another one.');
    const suite = this.suites.at(-1);
    const file = this.named(attributes.file) ?? suite?.file;
    const seconds = parseSeconds(attributes.time);
    this.current = {
      suite: suite?.name ?? '',
      className: this.named(attributes.classname ?? attributes.class) ?? '',
      name: this.named(attributes.name) ?? '',
      ...(file !== undefined && { file }),
      ...(seconds !== undefined && { seconds }),
      isNotRun: NOT_RUN.has(attributes.status ?? '') || NOT_RUN.has(attributes.result ?? ''),
      results: [],
    };
  }

  private openResult(name: string, attributes: SaxesTagPlain['attributes']): void {
    if (!this.current) return;
    if (this.result) {
      // Surefire puts the stack into an element of its own, beside what was printed.
      if (this.depth === this.result.depth + 1) this.wantText(name === 'stackTrace');
      return;
    }
    const result = RESULTS.get(name);
    if (!result) return;
    this.result = { depth: this.depth, result, attributes, text: '' };
    this.wantText(true);
  }

  /** saxes keeps no text that nobody listens for, so what tests print costs nothing. */
  private wantText(isWanted: boolean): void {
    this.isTextWanted = isWanted;
    if (isWanted) this.parser.on('text', (text) => this.addText(text));
    else this.parser.off('text');
  }

  private addText(text: string): void {
    if (!this.result || !this.isTextWanted) return;
    const more = this.result.text === '' ? shortened(text).trimStart() : shortened(text);
    // What is behind the cut tells whether a secret lies across it.
    const room = this.limits.maxText + 1 + this.masks.longest - this.result.text.length;
    if (room > 0) this.result.text += more.slice(0, room);
  }

  private close({ name }: SaxesTagPlain): void {
    if (this.result) {
      if (this.depth === this.result.depth) this.closeResult(this.result);
      else if (this.depth === this.result.depth + 1) this.wantText(true);
    } else if (name === 'testcase') {
      this.closeCase();
    } else if (name === 'testsuite' || name === 'testsuites') {
      this.suites.pop();
    }
    this.depth -= 1;
  }

  private closeResult({ result, attributes, text }: OpenResult): void {
    this.result = undefined;
    this.wantText(false);
    const type = this.named(attributes.type);
    const message = this.kept(attributes.message);
    const kept = this.kept(text.trim());
    const one = {
      outcome: result.outcome,
      ...(message !== undefined && { message }),
      ...(type !== undefined && { type }),
      ...(kept !== undefined && { text: kept }),
    };
    this.count();
    this.current?.results.push({ kind: result.kind, try: one });
  }

  private closeCase(): void {
    if (!this.current) return;
    const { isNotRun, results, ...rest } = this.current;
    this.current = undefined;
    const of = (kind: Result['kind']): TestTry[] =>
      results.filter((result) => result.kind === kind).map((result) => result.try);
    // A test and what cleans up after it may both fail: that is one time that it was run.
    const [main = { outcome: isNotRun ? 'skipped' : 'passed' } as const] = of('main').sort(
      (a, b) => Number(a.outcome === 'skipped') - Number(b.outcome === 'skipped'),
    );
    const isFailure = main.outcome === 'failed' || main.outcome === 'error';
    const [flaky, reruns] = [of('flaky'), of('rerun')];
    const tries = isFailure ? [...flaky, main, ...reruns] : [...flaky, ...reruns, main];
    this.count();
    this.cases.push({ ...rest, tries });
  }

  private count(): void {
    this.tries += 1;
    if (this.tries <= this.limits.maxCases) return;
    throw this.error('too_many_cases', `The report has more than ${this.limits.maxCases} cases.`);
  }

  private kept(text: string | undefined): string | undefined {
    if (text === undefined || text === '') return undefined;
    if (this.texts >= this.limits.maxTexts) return TEXT_LEFT_OUT;
    const cut = this.masks.cutText(shortened(text), this.limits.maxText);
    this.texts += cut.length;
    return cut;
  }

  private named(text: string | undefined): string | undefined {
    if (text === undefined || text === '') return undefined;
    return this.masks.cutText(shortened(text), MAX_NAME);
  }

  private error(code: JUnitErrorCode, message: string): JUnitError {
    return new JUnitError(code, message, this.place());
  }
}

function shortened(text: string): string {
  return text.length > MAX_LOOKED_INTO ? LONG_LEFT_OUT : text;
}
