import { endOf, type StepProgram } from './ended-program.js';

describe('endOf', () => {
  let kills: number[];
  let end: (code: number) => void;
  let program: StepProgram<number>;
  let abort: AbortController;

  beforeEach(() => {
    kills = [];
    abort = new AbortController();
    const exit = new Promise<number>((resolve) => (end = resolve));
    program = {
      exit,
      kill: async (graceMs) => {
        kills.push(graceMs);
        end(143);
      },
    };
  });

  it('lets a program end by itself, and ends nothing afterwards', async () => {
    const ended = endOf(program, abort.signal);
    end(3);
    expect(await ended).toEqual({ exit: 3, killed: false });
    abort.abort();
    expect(kills).toEqual([]);
  });

  it('ends it once when the signal says so, and says that it did', async () => {
    const ended = endOf(program, abort.signal);
    abort.abort();
    expect(await ended).toEqual({ exit: 143, killed: true });
    expect(kills).toEqual([8_000]);
  });

  it('ends at once what was to be stopped before', async () => {
    abort.abort();
    expect(await endOf(program, abort.signal)).toEqual({ exit: 143, killed: true });
    expect(kills).toHaveLength(1);
  });
});
