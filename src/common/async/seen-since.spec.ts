import { SeenSince } from './seen-since.js';

describe('since when things were seen', () => {
  let now: number;
  let seen: SeenSince<string>;

  beforeEach(() => {
    now = 1_000;
    seen = new SeenSince(
      (thing) => thing,
      () => now,
    );
  });

  it('is counted from the first call that saw them, in their order', () => {
    expect(seen.ages(['a'])).toEqual([0]);
    now += 300;
    expect(seen.ages(['b', 'a'])).toEqual([0, 300]);
    now += 50;
    expect(seen.ages(['a', 'b'])).toEqual([350, 50]);
  });

  it('begins again for what was not among them meanwhile', () => {
    seen.ages(['a']);
    now += 300;
    seen.ages([]);
    now += 300;
    expect(seen.ages(['a'])).toEqual([0]);
  });
});
