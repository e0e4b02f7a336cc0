import { ExpressionNotes, refused } from './expression-notes.js';
import { announcedHeredoc, heredocEnd, type Heredoc } from './heredoc.js';
import { readsCode, refusalsOf } from './judge-command.js';
import type { ShellPipeline } from './shell-pipeline.js';
import { isSpecialVariable } from './shell-programs.js';
import { bareWord, type Place, type Word } from './shell-tree.js';
import { NotUnderstood, WordReader, matchAt } from './shell-words.js';
import type { Evaluated } from './evaluated-names.js';

const REDIRECTION = /(?:&>>|&>|<<<|<<-|<<|<&|<>|<|>>|>&|>\||>)/y;
/**
 * What may begin a command or continue one; not seen as such it stands over two lines, or behind a
 * variable.
 */
const OWN_WORDS = new Set(
  'then elif else fi do done esac } in function select coproc { if while until for case ! time alias'.split(' '),
); // prettier-ignore

interface Parts {
  readonly assignments: Word[];
  readonly words: Word[];
  readonly targets: Word[];
}

/** Reads simple commands, with their redirections, comments and here-documents. */
export abstract class CommandReader {
  protected readonly notes: ExpressionNotes;
  protected at = 0;
  private readonly words: WordReader;
  private readonly heredocs: { heredoc: Heredoc; pipeline: ShellPipeline }[] = [];

  constructor(
    protected readonly text: string,
    protected readonly isBash: boolean,
    private readonly evaluated: Evaluated,
  ) {
    this.notes = new ExpressionNotes(text);
    this.words = new WordReader(
      text,
      (at) => this.substitution(at),
      (number, place) => this.notes.note(number, place),
      (at) => this.notes.numberAt(at),
    );
  }

  /** What was decided by now, by the number of the expression. */
  get decided(): ReadonlyMap<number, Place> {
    return this.notes.decided;
  }

  /** Commands up to the `)` round them. */
  protected abstract commands(): void;

  protected simple(): void {
    const parts: Parts = { assignments: [], words: [], targets: [] };
    for (;;) {
      this.blanks();
      if (this.redirection(parts.targets)) continue;
      if (/^([\n;&|)]|)$/.test(this.char)) break;
      if (this.char === '(') this.stop('"("');
      const word = this.nextWord();
      if (this.char === '(') this.array(word, parts);
      else if (parts.words.length === 0 && isAssignment(word)) parts.assignments.push(word);
      else parts.words.push(word);
    }
    const first = bareWord(parts.words[0] ?? { pieces: [] }) ?? '';
    if (OWN_WORDS.has(first)) this.stop(`"${first}"`);
    this.judge(parts);
  }

  /**
   * True when a redirection was read; where it leads to is a word like others, but of `<<` and
   * `<<<`.
   */
  protected redirection(targets: Word[]): boolean {
    const descriptor = matchAt(/[0-9]+(?=[<>])/y, this.text, this.at) ?? '';
    const operator = matchAt(REDIRECTION, this.text, this.at + descriptor.length);
    if (operator === undefined) return false;
    if (!this.isBash && /^(&>>?|<<<)$/.test(operator)) this.stop(`"${operator}" in sh`);
    this.at += descriptor.length + operator.length;
    if (/^(\(|\\\n)/.test(this.text.slice(this.at, this.at + 2))) this.stop(`"${operator}("`);
    this.blanks();
    if (operator === '<<' || operator === '<<-') {
      this.announce(operator === '<<-');
      return true;
    }
    const target = this.nextWord();
    if (target.pieces.length === 0) this.stop(`"${operator}" without a file`);
    if (/^(<<<|<&|>&)$/.test(operator)) {
      this.notes.refuse(target, { kind: 'unclear', what: `"${operator}"`, line: this.line });
    } else targets.push(target);
    return true;
  }

  protected acceptTarget(target: Word): void {
    const isBare = target.pieces.some(
      (piece) =>
        (piece.kind === 'expression' && piece.quote === 'none') ||
        (piece.kind === 'substitution' && !piece.quoted),
    );
    if (isBare) this.notes.refuse(target, { kind: 'unquoted' });
    else this.notes.accept(target);
  }

  /** A variable that is set to words of the text. */
  protected acceptFor(name: string, word: Word): void {
    if (isSpecialVariable(name)) this.notes.refuse(word, { kind: 'special_variable', name });
    else if (this.evaluated.has(name)) this.notes.refuse(word, { kind: 'arithmetic' });
    else this.notes.accept(word);
  }

  protected nextWord(): Word {
    this.blanks();
    const { word, end } = this.words.read(this.at);
    if (this.heredocs.length > 0 && this.text.slice(this.at, end).includes('\n')) {
      this.stop('a word over several lines beside a here-document');
    }
    this.at = end;
    return word;
  }

  protected blanks(): void {
    for (;;) {
      if (this.char === ' ' || this.char === '\t') this.at += 1;
      else if (this.text.startsWith('\\\n', this.at)) this.at += 2;
      else break;
    }
    if (this.char !== '#') return;
    if (this.notes.isInSubstitution) this.stop('a comment inside $(…)');
    const end = this.text.indexOf('\n', this.at);
    const comment = this.text.slice(this.at, end < 0 ? undefined : end);
    this.refuseAll(comment, { kind: 'refused', why: { kind: 'comment' }, stored: 'expanded' });
  }

  protected blankLines(): void {
    for (this.blanks(); this.char === '\n'; this.blanks()) {
      this.at += 1;
      this.bodies();
    }
  }

  /** Passes a part of the text with every expression in it. */
  protected refuseAll(part: string, place: Place): void {
    this.words.refuseAll(part, this.at, place);
    this.at += part.length;
  }

  protected close(): void {
    if (this.char !== ')') this.stop('a ( that is not closed');
    this.at += 1;
  }

  protected end(): void {
    if (this.at < this.text.length) this.stop(`"${this.char}"`);
    if (this.heredocs.length > 0) this.stop('a here-document without its end');
  }

  protected get char(): string {
    return this.text.charAt(this.at);
  }

  protected stop(what: string): never {
    throw new NotUnderstood(what, this.at);
  }

  private get line(): number {
    return this.text.slice(0, this.at).split('\n').length;
  }

  /** `NAME=(…)`; nothing of it is filled in, as `[…]=` in it would be evaluated. */
  private array(word: Word, { words }: Parts): void {
    if (!this.isBash || words.length > 0 || !/^\w+\+?=$/.test(bareWord(word) ?? '')) {
      this.stop('"("');
    }
    this.at += 1;
    for (;;) {
      this.blankLines();
      if (this.char === ')') break;
      const item = this.nextWord();
      if (item.pieces.length === 0) this.stop(`"${this.char}" in an array`);
      this.notes.refuse(item, { kind: 'arithmetic' });
    }
    this.at += 1;
  }

  private judge({ assignments, words, targets }: Parts): void {
    const command = { assignments, words };
    const refusals = refusalsOf(command, this.evaluated);
    for (const word of [...assignments, ...words]) this.notes.accept(word, refusals);
    const intoCode = readsCode(command);
    for (const target of targets) {
      if (intoCode) this.notes.refuse(target, { kind: 'code', program: 'the program' });
      else this.acceptTarget(target);
    }
    if (intoCode) this.notes.intoCode();
  }

  private substitution(start: number): { end: number; expressions: number[] } {
    const { at } = this;
    this.at = start;
    this.notes.inSubstitution(() => this.commands());
    this.close();
    const end = this.at;
    this.at = at;
    return { end, expressions: this.notes.between(start, end) };
  }

  private announce(stripTabs: boolean): void {
    const found = announcedHeredoc(this.text, this.at, stripTabs);
    const pipeline = this.notes.currentPipeline;
    if (found === undefined || this.notes.isInSubstitution || pipeline === undefined) {
      this.stop('this here-document');
    }
    this.at = found.end;
    this.heredocs.push({ heredoc: found.heredoc, pipeline });
  }

  /** The bodies of the here-documents that the line announced. */
  private bodies(): void {
    for (const { heredoc, pipeline } of this.heredocs.splice(0)) {
      const end = heredocEnd(this.text, this.at, heredoc);
      const why = { kind: 'heredoc', quoted: heredoc.quoted } as const;
      const place: Place = heredoc.quoted
        ? refused(why)
        : { kind: 'refused', why, stored: 'expanded' };
      for (const number of this.notes.between(this.at, end)) {
        this.notes.noteFor(pipeline, number, place);
      }
      this.at = end;
    }
  }
}

function isAssignment(word: Word): boolean {
  const [first] = word.pieces;
  return first?.kind === 'text' && !first.quoted && /^[A-Za-z_]\w*\+?=/.test(first.text);
}
