import type { ErrorShape } from '../command/command.error.js';
import { fieldLines } from './refusal.js';

describe('fieldLines', () => {
  const lines = (details: unknown): readonly string[] =>
    fieldLines({ details } as unknown as ErrorShape);

  it('says what is wrong with each field', () => {
    const missing = { path: 'inputs.env', code: 'missing_input', message: 'env is missing.' };
    const forge = { message: 'forge must say which forge runs there', suggestion: 'Add --forge.' };
    expect(lines([missing, forge])).toEqual([
      'env is missing.',
      'forge must say which forge runs there Add --forge.',
    ]);
  });

  it.each([
    undefined,
    null,
    {},
    'text',
    [null],
    [1],
    [{ message: 1 }],
    [{ line: 1, message: 'm' }],
  ])('is nothing of %j', (details) => {
    expect(lines(details)).toEqual([]);
  });

  it('is not without an end', () => {
    expect(lines(Array.from({ length: 1000 }, () => ({ message: 'm' })))).toHaveLength(50);
  });
});
