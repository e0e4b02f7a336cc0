import { StepSlots } from './step-slots.js';

const slotsOf = (
  limit: number,
  ...lanes: number[]
): { slots: StepSlots; got: string[]; ask: (lane: number, position: number) => () => void } => {
  const slots = new StepSlots(limit);
  const got: string[] = [];
  for (const [key, lane] of lanes.entries()) slots.addLane(key, lane);
  const ask = (lane: number, position: number): (() => void) =>
    slots.ask(lane, position, () => got.push(`${lane}.${position}`));
  return { slots, got, ask };
};

describe('step slots', () => {
  it('serves by place in the text, not by who asked first', () => {
    const { slots, got, ask } = slotsOf(2, 10, 10);
    ask(1, 5);
    ask(0, 2);
    ask(0, 1);
    expect(got).toEqual([]);
    slots.serve();
    expect(got).toEqual(['0.1', '0.2']);
    slots.release(0);
    ask(0, 3);
    slots.serve();
    expect(got[2]).toBe('0.3');
    slots.release(0);
    slots.serve();
    expect(got[3]).toBe('1.5');
  });

  it('passes a lane that is full', () => {
    const { slots, got, ask } = slotsOf(3, 1, 5);
    ask(0, 0);
    ask(0, 1);
    ask(1, 2);
    slots.serve();
    expect(got).toEqual(['0.0', '1.2']);
    slots.release(0);
    slots.serve();
    expect(got[2]).toBe('0.1');
  });

  it('takes a request back, once granted not any more', () => {
    const { slots, got, ask } = slotsOf(1, 5);
    const first = ask(0, 0);
    const second = ask(0, 1);
    second();
    slots.serve();
    first();
    expect(got).toEqual(['0.0']);
    slots.release(0);
    slots.serve();
    expect(got).toEqual(['0.0']);
  });

  it('tells what waits which limit holds it, once, and when that changes', () => {
    const slots = new StepSlots(2);
    slots.addLane(0, 1);
    slots.addLane(1, 5);
    const told: string[] = [];
    const ask = (lane: number, position: number): void => {
      slots.ask(
        lane,
        position,
        () => undefined,
        ({ limit, atOnce }) => told.push(`${lane}.${position} ${limit} ${atOnce}`),
      );
    };
    ask(0, 0);
    ask(0, 1);
    ask(1, 2);
    ask(1, 3);
    slots.serve();
    expect(told).toEqual(['0.1 lane 1', '1.3 all 2']);
    slots.serve();
    expect(told).toHaveLength(2);
    slots.release(0);
    ask(1, 1.5);
    ask(0, 0.5);
    slots.serve();
    // 0.5 has the slot now, so that its lane is full as before.
    expect(told.slice(2)).toEqual(['1.1.5 all 2']);
  });

  it('refuses to let nothing run', () => {
    expect(() => new StepSlots(0)).toThrow(RangeError);
    expect(() => new StepSlots(Number.NaN)).toThrow(RangeError);
  });
});
