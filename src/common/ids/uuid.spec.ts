import { firstUuidAt, isUuid, timeOfUuid, uuidV7 } from './uuid.js';

describe('uuidV7', () => {
  it('has the form of RFC 9562 and holds the time', () => {
    const id = uuidV7(0x7fffffffff00);
    expect(id).toMatch(/^7fffffff-ff00-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(isUuid(id)).toBe(true);
  });

  it('rises always, also in one millisecond and when the clock steps back', () => {
    const ids: string[] = [];
    for (let i = 0; i < 10_000; i += 1) ids.push(uuidV7(1_000));
    ids.push(uuidV7(5));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('firstUuidAt', () => {
  it('lies between the ids of the millisecond before and all of its own', () => {
    const now = 0x7fffffffff10;
    const [before, own] = [uuidV7(now - 1), uuidV7(now)];
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
