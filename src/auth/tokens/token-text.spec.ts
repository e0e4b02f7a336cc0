import { uuidV7 } from '../../common/ids/uuid.js';
import { isTokenOf, newTokenText, tokenHash, tokenIdOf } from './token-text.js';

describe('the text of a token', () => {
  const id = uuidV7();
  const text = newTokenText(id);

  it('names its id, has a secret of 32 bytes, and is of one word', () => {
    expect(tokenIdOf(text)).toBe(id);
    expect(text).toMatch(/^mrt_[0-9a-f]{32}_[\w-]{43}$/);
    expect(newTokenText(id)).not.toBe(text);
  });

  it('is known by its hash', () => {
    expect(isTokenOf(tokenHash(text), text)).toBe(true);
    expect(isTokenOf(tokenHash(text), newTokenText(id))).toBe(false);
  });

  it.each(['', 'mrt_', `${text}x`, text.slice(0, -1), ` ${text}`, text.toUpperCase()])(
    '%j is none',
    (other) => {
      expect(tokenIdOf(other)).toBeUndefined();
    },
  );
});
