import { CommandReader } from './command-reader.js';
import { refused } from './expression-notes.js';
import { bareWord, expressionsOf, type Word } from './shell-tree.js';
import { matchAt } from './shell-words.js';

const BARE_WORD = /[^\s;&|<>()'"\\$`\0]+(?=[\s;&|<>()]|$)/y;
const CLOSER = /(?:then|elif|else|fi|do|done|esac|\})(?=[\s;&|<>()]|$)/y;
const OPERATOR = /(?:&&|\|\||\|&|\||&|;)/y;
const ARITHMETIC_COMMAND = /\(\([^()'"`\\#{}<>;\n]*\)\)/y;
const FUNCTION_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const STRANGE_WORDS = new Set(['in', 'function', 'select', 'coproc']);
/**
 * Levels of commands inside commands; a text has far fewer, and a hostile one shall not use up the
 * stack.
 */
const MAX_LEVELS = 50;

/**
 * Reads a shell text as far as it is surely understood, by what `sh` and `bash` have in common, and
 * decides for each expression in it (`MARK`) whether it is a word or plainly quoted. Where it stops
 * understanding it throws, and what was not decided by then stays so.
 */
export class ShellReader extends CommandReader {
  private levels = 0;

  /** @throws NotUnderstood */
  read(): void {
    this.list([]);
    this.end();
  }

  protected commands(): void {
    this.list([]);
  }

  /**
   * Commands up to one of the closing words (which is passed), `)` or, in a case, `;;`; answers
   * what ended it.
   */
  private list(closers: readonly string[]): string {
    for (;;) {
      this.blankLines();
      const closer = matchAt(CLOSER, this.text, this.at);
      if (closer !== undefined) {
        if (!closers.includes(closer)) this.stop(`"${closer}"`);
        this.at += closer.length;
        return closer;
      }
      if (this.at >= this.text.length || this.char === ')') {
        if (closers.length > 0) this.stop(`a missing "${closers.join('" or "')}"`);
        return '';
      }
      if (/^;[;&]/.test(this.text.slice(this.at, this.at + 2))) return this.caseEnd(closers);
      const before = this.at;
      this.wholePipeline();
      this.separator();
      if (this.at === before) this.stop(`"${this.char}"`);
    }
  }

  private caseEnd(closers: readonly string[]): string {
    if (!closers.includes('esac')) this.stop('";;"');
    this.at += this.text.startsWith(';;&', this.at) ? 3 : 2;
    return ';;';
  }

  private separator(): void {
    this.blanks();
    if (/^;[;&]/.test(this.text.slice(this.at, this.at + 2))) return;
    const operator = this.operator();
    if (operator !== undefined && operator.startsWith('|') && operator !== '||') this.stop('"|"');
  }

  private operator(): string | undefined {
    const operator = matchAt(OPERATOR, this.text, this.at);
    if (operator === undefined) return undefined;
    this.at += operator.length;
    if (this.text.startsWith('\\\n', this.at)) this.stop('an operator over two lines');
    if (operator === '|&' && !this.isBash) this.stop('"|&"');
    return operator;
  }

  private wholePipeline(): void {
    this.notes.inPipeline(() => {
      for (;;) {
        this.command();
        this.blanks();
        if (this.char !== '|' || this.text.startsWith('||', this.at)) break;
        this.operator();
        this.blankLines();
      }
    });
  }

  private command(): void {
    this.levels += 1;
    if (this.levels > MAX_LEVELS) this.stop('so many levels');
    this.oneCommand();
    this.levels -= 1;
  }

  private oneCommand(): void {
    this.blanks();
    if (this.char === '(') return this.parenthesis();
    const bare = matchAt(BARE_WORD, this.text, this.at);
    if (bare === undefined) return this.simple();
    const end = this.at + bare.length;
    if (STRANGE_WORDS.has(bare)) this.stop(`"${bare}"`);
    if (bare === '!' || bare === 'time') return this.prefixed(bare, end);
    if (!this.compound(bare, end) && !this.functionDefinition(bare, end)) this.simple();
  }

  private prefixed(bare: string, end: number): void {
    this.at = end;
    this.blanks();
    if (bare === 'time') {
      const option = matchAt(/-p(?=[ \t])/y, this.text, this.at);
      this.at += option?.length ?? 0;
    }
    this.command();
  }

  private parenthesis(): void {
    const arithmetic = matchAt(ARITHMETIC_COMMAND, this.text, this.at);
    if (arithmetic !== undefined) {
      this.refuseAll(arithmetic, refused({ kind: 'arithmetic' }));
      return this.afterCompound();
    }
    if (this.text.startsWith('((', this.at)) this.stop('((…))');
    this.at += 1;
    this.list([]);
    this.close();
    this.afterCompound();
  }

  /** True when the word began a compound command, which was read then. */
  private compound(bare: string, end: number): boolean {
    switch (bare) {
      case '{':
        this.at = end;
        this.list(['}']);
        break;
      case 'if':
        this.at = end;
        this.list(['then']);
        while (this.list(['elif', 'else', 'fi']) !== 'fi') this.branch();
        break;
      case 'while':
      case 'until':
        this.at = end;
        this.list(['do']);
        this.list(['done']);
        break;
      case 'for':
        this.at = end;
        this.forLoop();
        break;
      case 'case':
        this.at = end;
        this.caseCommand();
        break;
      case '[[':
        if (!this.isBash) return false;
        this.at = end;
        this.condition();
        break;
      default:
        return false;
    }
    this.afterCompound();
    return true;
  }

  /**
   * Behind `elif` a condition comes first; behind `else` the commands do, which ends the same way.
   */
  private branch(): void {
    const isElif = this.text.slice(this.at - 4, this.at) === 'elif';
    if (isElif) this.list(['then']);
  }

  private forLoop(): void {
    const name = this.nextWord();
    const variable = bareWord(name) ?? '';
    if (!FUNCTION_NAME.test(variable)) this.stop('the variable of a "for"');
    this.blankLines();
    if (matchAt(/in(?=[\s;])/y, this.text, this.at) !== undefined) {
      this.at += 2;
      for (let word = this.nextWord(); word.pieces.length > 0; word = this.nextWord()) {
        this.acceptFor(variable, word);
      }
    }
    if (this.char === ';') this.operator();
    this.blankLines();
    if (matchAt(/do(?=[\s;])/y, this.text, this.at) === undefined)
      this.stop('a "for" without "do"');
    this.at += 2;
    this.list(['done']);
  }

  private caseCommand(): void {
    if (this.notes.isInSubstitution) this.stop('"case" inside $(…)');
    this.notes.accept(this.nextWord());
    this.blankLines();
    if (matchAt(/in(?=\s)/y, this.text, this.at) === undefined) this.stop('a "case" without "in"');
    this.at += 2;
    for (;;) {
      this.blankLines();
      if (matchAt(/esac(?=[\s;&|<>()]|$)/y, this.text, this.at) !== undefined) {
        this.at += 4;
        return;
      }
      this.patterns();
      if (this.list([';;', 'esac']) === 'esac') return;
    }
  }

  private patterns(): void {
    if (this.char === '(') this.at += 1;
    for (;;) {
      const word = this.nextWord();
      if (word.pieces.length === 0) this.stop('a pattern of "case"');
      for (const number of expressionsOf(word))
        this.notes.note(number, refused({ kind: 'pattern' }));
      this.blanks();
      if (this.char !== '|') break;
      this.at += 1;
    }
    this.close();
  }

  /** `[[ … ]]`: bash reads some of its operands as code, so it takes no values. */
  private condition(): void {
    for (;;) {
      this.blankLines();
      const operator = matchAt(/&&|\|\|/y, this.text, this.at);
      if (operator !== undefined) {
        this.at += operator.length;
        continue;
      }
      const word = this.nextWord();
      if (word.pieces.length === 0) this.stop(`"${this.char}" in [[ ]]`);
      if (bareWord(word) === ']]') return;
      if (bareWord(word) === '=~') this.stop('"=~" in [[ ]]');
      this.notes.refuse(word, { kind: 'code', program: '[[' });
    }
  }

  private functionDefinition(name: string, end: number): boolean {
    const open = matchAt(/[ \t]*\([ \t]*\)/y, this.text, end);
    if (open === undefined || !FUNCTION_NAME.test(name)) return false;
    this.at = end + open.length;
    this.blankLines();
    this.command();
    return true;
  }

  private afterCompound(): void {
    const targets: Word[] = [];
    for (this.blanks(); this.redirection(targets); this.blanks());
    for (const target of targets) this.acceptTarget(target);
    if (!/^([\n;&|)]|)$/.test(this.char)) this.stop('a word behind a compound command');
  }
}
