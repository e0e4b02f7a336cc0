import { firstUuidAt, isUuid, timeOfUuid, uuidV7 } from './uuid.js';

describe('uuidV7', () => {
  it('has the form of RFC 9562 and holds the time', () => {
    const before = Date.now();
    const id = uuidV7();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(isUuid(id)).toBe(true);
    expect(timeOfUuid(id)).toBeGreaterThanOrEqual(before);
  });

  it('rises always, also in one millisecond and when the clock steps back', () => {
    const now = Date.now() + 60_000;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now);
    const ids: string[] = [];
    for (let i = 0; i < 10_000; i += 1) ids.push(uuidV7());
    clock.mockReturnValue(now - 30_000);
    ids.push(uuidV7());
    clock.mockRestore();
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('firstUuidAt', () => {
  it('lies between the ids of the millisecond before and all of its own', () => {
    const now = Date.now() + 120_000;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now - 1);
    const before = uuidV7();
    clock.mockReturnValue(now);
    const own = uuidV7();
    clock.mockRestore();
    expect(before < firstUuidAt(now)).toBe(true);
    expect(firstUuidAt(now) <= own).toBe(true);
    expect([timeOfUuid(firstUuidAt(now)), timeOfUuid(own)]).toEqual([now, now]);
  });

  it('stays a UUID at the ends of time', () => {
    expect([firstUuidAt(-5), firstUuidAt(Infinity)].map(isUuid)).toEqual([true, true]);
    expect(timeOfUuid(firstUuidAt(-5))).toBe(0);
  });
});

describe('isUuid', () => {
  it.each(['', 'x', '0190f3d6-0000-7000-8000-00000000000', '{"$ne":null}'])(
    '%j is none',
    (text) => {
      expect(isUuid(text)).toBe(false);
    },
  );
});
