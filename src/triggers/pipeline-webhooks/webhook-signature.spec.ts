import { createHmac } from 'node:crypto';
import { isSigned } from './webhook-signature.js';

const SECRET = 'a-secret-of-a-pipeline';
const BODY = Buffer.from('{"a": 1}');

describe('whoever knows the secret of a pipeline', () => {
  const signature = (body = BODY, secret = SECRET): string =>
    `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

  it.each<[string, Record<string, string>]>([
    ['our header', { 'x-millrace-signature': signature() }],
    ["GitHub's header", { 'x-hub-signature-256': signature() }],
    ['digits in upper case', { 'x-millrace-signature': signature().toUpperCase() }],
    ['the secret itself', { authorization: `Bearer ${SECRET}` }],
  ])('shows it by %s', (_how, headers) => {
    expect(isSigned(headers, BODY, SECRET)).toBe(true);
  });

  it.each<[string, Record<string, string | string[]>]>([
    ['nothing', {}],
    ['a signature of another body', { 'x-millrace-signature': signature(Buffer.from('{"a":1}')) }],
    ['a signature by another secret', { 'x-millrace-signature': signature(BODY, 'b') }],
    ['half a signature', { 'x-millrace-signature': signature().slice(0, 30) }],
    ['an empty signature', { 'x-millrace-signature': '' }],
    ['another secret', { authorization: 'Bearer b' }],
    ['no secret', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${SECRET}` }],
    // What is signed is what counts.
    [
      'the secret beside a wrong signature',
      { authorization: `Bearer ${SECRET}`, 'x-millrace-signature': 'sha256=00' },
    ],
  ])('is not who sends %s', (_what, headers) => {
    expect(isSigned(headers, BODY, SECRET)).toBe(false);
  });
});
