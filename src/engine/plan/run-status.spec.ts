import type { RunStatus } from './run-state.js';
import {
  IllegalMoveError,
  RUN_STATUSES,
  assertMove,
  canMove,
  isTerminal,
  movesInto,
} from './run-status.js';

/** Written out by hand, so that a change of the table is a change of this file. */
const LEGAL = new Set([
  ...['waiting', 'running', 'failed', 'cancelled', 'timeout', 'skipped'].map(
    (to) => `pending>${to}`,
  ),
  ...['pending', 'running', 'failed', 'cancelled', 'timeout', 'skipped'].map(
    (to) => `waiting>${to}`,
  ),
  ...['pending', 'waiting', 'success', 'failed', 'cancelled', 'timeout'].map(
    (to) => `running>${to}`,
  ),
]);
const TERMINAL: readonly RunStatus[] = ['success', 'failed', 'cancelled', 'timeout', 'skipped'];

describe('run status', () => {
  it('knows eight statuses', () => {
    expect([...RUN_STATUSES].sort()).toEqual([...TERMINAL, 'pending', 'waiting', 'running'].sort());
  });

  const pairs = RUN_STATUSES.flatMap((from) => RUN_STATUSES.map((to) => [from, to] as const));

  it.each(pairs)('%s to %s', (from, to) => {
    const legal = LEGAL.has(`${from}>${to}`);
    expect(canMove(from, to)).toBe(legal);
    if (legal) {
      expect(() => assertMove('step x', from, to)).not.toThrow();
    } else {
      expect(() => assertMove('step x', from, to)).toThrow(IllegalMoveError);
    }
  });

  it.each(RUN_STATUSES)('what may change into %s is what the table says', (to) => {
    const sources = RUN_STATUSES.filter((from) => LEGAL.has(`${from}>${to}`));
    expect(movesInto('x', ['pending', 'waiting', 'running'], to)).toEqual(sources);
    for (const from of RUN_STATUSES) {
      if (sources.includes(from)) expect(movesInto('x', [from], to)).toEqual([from]);
      else expect(() => movesInto('x', [from], to)).toThrow(IllegalMoveError);
    }
  });

  it.each(RUN_STATUSES)('%s is terminal exactly when nothing leaves it', (status) => {
    expect(isTerminal(status)).toBe(TERMINAL.includes(status));
    expect(isTerminal(status)).toBe(RUN_STATUSES.every((to) => !canMove(status, to)));
  });

  it('names subject, source and target of an illegal move', () => {
    expect(() => assertMove('step unit', 'success', 'running')).toThrow(
      'step unit cannot go from success to running',
    );
  });
});
