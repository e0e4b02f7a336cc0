import { JwtService } from '@nestjs/jwt';
import { uuidV7 } from '../../common/ids/uuid.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { AccessTokens } from './access-tokens.js';
import { SigningKey } from './signing-key.js';

const KEY = 'a-key-of-the-server-of-this-spec-1';
const CONFIG = { jwtMinutes: 15, publicUrl: 'https://ci.example.org' } as MillraceConfig;
const claims = { userId: uuidV7(), sessionId: uuidV7() };

const jwt = new JwtService({});
const tokensWith = (key = KEY, config = CONFIG): AccessTokens =>
  new AccessTokens(jwt, new SigningKey(key, '/nowhere'), config);

describe('access tokens', () => {
  const tokens = tokensWith();

  it('name user and session for 15 minutes', () => {
    const { exp, iat, ...rest } = jwt.decode(tokens.make(claims, new Date()));
    expect(exp - iat).toBe(900);
    expect(rest).toEqual({
      sub: claims.userId,
      sid: claims.sessionId,
      iss: 'https://ci.example.org',
      aud: 'millrace',
    });
    expect(tokens.read(tokens.make(claims, new Date()))).toEqual(claims);
    expect(tokens.read(tokens.make(claims, new Date(Date.now() - 901_000)))).toBeUndefined();
  });

  it('are the same for the same moment', () => {
    const at = new Date();
    expect(tokens.make(claims, at)).toBe(tokens.make(claims, at));
  });

  it('of another key or issuer are none', () => {
    const at = new Date();
    const other = { ...CONFIG, publicUrl: 'https://other.example.org' };
    expect(tokens.read(tokensWith('a-key-of-another-server-of-this-spec').make(claims, at))).toBe(
      undefined,
    );
    expect(tokens.read(tokensWith(KEY, other).make(claims, at))).toBeUndefined();
  });

  const secret = new SigningKey(KEY, '/nowhere').for('access');
  const good = { issuer: 'https://ci.example.org', audience: 'millrace', expiresIn: 60 } as const;
  const payload = { sub: claims.userId, sid: claims.sessionId };
  it.each([
    ['another algorithm', jwt.sign(payload, { ...good, secret, algorithm: 'HS512' })],
    ['no algorithm', jwt.sign(payload, { ...good, secret: '', algorithm: 'none' })],
    ['another audience', jwt.sign(payload, { ...good, secret, audience: 'millrace login' })],
    ['no audience', jwt.sign(payload, { secret, issuer: good.issuer, expiresIn: 60 })],
    ['no expiry', jwt.sign(payload, { secret, issuer: good.issuer, audience: good.audience })],
    ['no session', jwt.sign({ sub: claims.userId }, { ...good, secret })],
    [
      'a key for another use',
      jwt.sign(payload, { ...good, secret: new SigningKey(KEY, '/').for('login-state') }),
    ],
    ['nothing', ''],
  ])('with %s are none', (_what, token) => {
    expect(tokens.read(token)).toBeUndefined();
  });

  it('with all of it are some: the cases above miss nothing else', () => {
    expect(tokens.read(jwt.sign(payload, { ...good, secret, algorithm: 'HS256' }))).toEqual(claims);
  });
});
