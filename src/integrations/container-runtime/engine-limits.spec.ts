import { EngineLimits } from './engine-limits.js';

const refusal = (type: number): string => `error setting rlimit type ${type}: not permitted`;

describe('EngineLimits', () => {
  it('asks for a quarter of open files until that is given, and then no further', () => {
    const limits = new EngineLimits();
    const seen: number[] = [];
    do seen.push(limits.ulimits[0]?.Hard ?? 0);
    while (limits.lower(refusal(7), limits.ulimits));
    expect(seen).toEqual([1_048_576, 262_144, 65_536, 16_384, 4_096, 1_024]);
  });

  it('says how many processes only to an engine that was refused its own number', () => {
    const limits = new EngineLimits();
    expect(limits.ulimits.map(({ Name }) => Name)).toEqual(['nofile']);
    expect(limits.lower(refusal(6), limits.ulimits)).toBe(true);
    expect(limits.ulimits).toContainEqual({ Name: 'nproc', Soft: 262_144, Hard: 262_144 });
  });

  it('is lowered once by two starts that were refused the same', () => {
    const limits = new EngineLimits();
    const { ulimits: asked } = limits;
    expect([limits.lower(refusal(7), asked), limits.lower(refusal(7), asked)]).toEqual([
      true,
      true,
    ]);
    expect(limits.ulimits[0]?.Hard).toBe(262_144);
  });

  it.each(['no such file', refusal(3)])('cannot mend %s', (message) => {
    const limits = new EngineLimits();
    expect(limits.lower(message, limits.ulimits)).toBe(false);
  });
});
