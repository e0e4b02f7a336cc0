import { uuidV7 } from '../../common/ids/uuid.js';
import { RefreshTokens } from './refresh-tokens.js';
import { SigningKey } from './signing-key.js';

const tokens = new RefreshTokens(new SigningKey('a-key-of-the-server-of-this-spec-1', '/nowhere'));

describe('refresh tokens', () => {
  const parts = { sessionId: uuidV7(), generation: 7 };

  it('are the same for the same exchange, and say which one it is', () => {
    const token = tokens.make(parts);
    expect(tokens.make(parts)).toBe(token);
    expect(tokens.parse(token)).toEqual(parts);
    expect(tokens.make({ ...parts, generation: 8 })).not.toBe(token);
  });

  it('are those of this key only, and as they were made', () => {
    const other = new RefreshTokens(new SigningKey('a-key-of-another-server-of-this-spec', '/'));
    const token = tokens.make(parts);
    expect(other.parse(token)).toBeUndefined();
    expect(tokens.parse(token.replace('_7_', '_8_'))).toBeUndefined();
    expect(tokens.parse(token.replace('_7_', '_07_'))).toBeUndefined();
    expect(tokens.parse(token.slice(0, -1))).toBeUndefined();
    expect(tokens.parse(`${token} `)).toBeUndefined();
    expect(tokens.parse('')).toBeUndefined();
  });
});
