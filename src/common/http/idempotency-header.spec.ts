import { idempotencyKeyOf } from './idempotency-header.js';

const keyOf = (...values: string[]): string | undefined =>
  idempotencyKeyOf({
    headers: values.length === 0 ? {} : { 'idempotency-key': values.join(', ') },
    headersDistinct: values.length === 0 ? {} : { 'idempotency-key': values },
  });

describe('Idempotency-Key', () => {
  it('may be missing', () => {
    expect(keyOf()).toBeUndefined();
  });

  it.each(['a', 'x'.repeat(255), '"8e03978e-40d5-43dd-bc93-6894a57f9324"', 'a b, c ~!'])(
    'takes %j',
    (key) => {
      expect(keyOf(key)).toBe(key);
    },
  );

  it.each([[''], ['x'.repeat(256)], ['a\tb'], ['schlüssel'], ['a\x7f'], ['\x80'], ['a', 'a']])(
    'refuses %j',
    (...values) => {
      expect(() => keyOf(...values)).toThrow(
        expect.objectContaining({ kind: 'ValidationError', suggestions: [expect.any(String)] }),
      );
    },
  );
});
