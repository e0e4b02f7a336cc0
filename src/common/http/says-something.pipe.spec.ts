import { SaysSomethingPipe } from './says-something.pipe.js';

it('refuses a body in which nothing is said', () => {
  const pipe = new SaysSomethingPipe<{ a?: unknown }>();
  for (const body of [{ a: null }, { a: false }, { a: [] }]) {
    expect(pipe.transform(body)).toBe(body);
  }
  expect(() => pipe.transform({})).toThrow('says nothing');
  expect(() => pipe.transform({ a: undefined })).toThrow('says nothing');
});
