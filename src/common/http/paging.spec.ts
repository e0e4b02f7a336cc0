import { decodeCursor, encodeCursor, pageBody, pageOf, pageRequest } from './paging.js';

const key = (item: string): string => item;

describe('a page', () => {
  it('that is exactly full is the last one, when nothing follows', () => {
    expect(pageOf(['a', 'b'], 2, key)).toEqual({ items: ['a', 'b'] });
    expect(pageBody(pageOf(['a', 'b'], 2, key)).next_cursor).toBeNull();
  });

  it('leads to the next one when a row more was read', () => {
    const page = pageOf(['a', 'b', 'c'], 2, key);
    expect(page).toEqual({ items: ['a', 'b'], next: 'b' });
    const { next_cursor } = pageBody(page);
    expect(pageRequest({ limit: 2, cursor: next_cursor ?? '' })).toEqual({ limit: 2, after: 'b' });
  });

  it('may be empty', () => {
    expect(pageBody(pageOf([], 2, key))).toEqual({ items: [], next_cursor: null });
  });
});

describe('a cursor', () => {
  it('is read as it was made', () => {
    expect(decodeCursor(encodeCursor('a:é'))).toBe('a:é');
  });

  it.each(['', 'x', 'MTo', Buffer.from('2:a').toString('base64url'), `${encodeCursor('a')}=`])(
    'is not %j',
    (cursor) => {
      expect(() => decodeCursor(cursor)).toThrow('not valid');
    },
  );
});
