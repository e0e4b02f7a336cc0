import { jsonIn } from './form-body.js';

const JSON_TEXT = '{"a": "b+c & d=é%"}';

describe('the JSON of a webhook', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const of = (headers: Record<string, string>, body: string): string =>
    jsonIn(headers, Buffer.from(body)).toString();

  it('is its body, or the field `payload` of a form', () => {
    expect(of({ 'content-type': 'application/json' }, JSON_TEXT)).toBe(JSON_TEXT);
    expect(of({}, JSON_TEXT)).toBe(JSON_TEXT);
    const fields = new URLSearchParams({ other: '1', payload: JSON_TEXT }).toString();
    expect(of(form, fields)).toBe(JSON_TEXT);
    expect(of({ 'content-type': 'application/json' }, fields)).toBe(fields);
  });

  it('is none where a form has no such field', () => {
    expect(of(form, 'other=1')).toBe('other=1');
    expect(of(form, '')).toBe('');
    expect(of(form, 'payload=')).toBe('');
  });
});
