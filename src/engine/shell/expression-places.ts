import type { Template } from '../expression/template.js';
import { evaluatedNames } from './evaluated-names.js';
import { ShellReader } from './shell-reader.js';
import type { Place } from './shell-tree.js';
import { MARK, NotUnderstood } from './shell-words.js';

export type Shell = 'sh' | 'bash';

/**
 * For every expression of a step's commands, in order, how it reaches the shell or why it cannot.
 * The commands are one shell text. By the same rule lint refuses and the run fills in. Never
 * throws.
 */
export function expressionPlaces(commands: readonly Template[], shell: Shell): Place[] {
  const texts = commands.map(({ parts }) =>
    parts.map((part) => (part.kind === 'text' ? part.text : MARK)).join(''),
  );
  const count = commands.reduce((sum, { parts }) => sum + parts.filter(isExpression).length, 0);
  if (count === 0) return [];
  const text = texts.join('\n');
  const unclear = (what: string, line: number): Place => ({
    kind: 'refused',
    why: { kind: 'unclear', what, line },
  });
  if (text.split(MARK).length - 1 !== count) {
    return Array.from({ length: count }, () => unclear('a NUL character', 1));
  }
  const reader = new ShellReader(text, shell === 'bash', evaluatedNames(text));
  let rest = unclear('the end of the text', 1);
  try {
    reader.read();
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    rest = unclear(error.what, text.slice(0, error.at).split('\n').length);
  }
  return Array.from({ length: count }, (_, number) => reader.decided.get(number) ?? rest);
}

function isExpression(part: Template['parts'][number]): boolean {
  return part.kind === 'expression';
}
