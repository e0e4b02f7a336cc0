import { withoutShallow } from './advertised-refs.js';

const line = (text: string): string => (text.length + 4).toString(16).padStart(4, '0') + text;
const sha = (digit: string): string => digit.repeat(40);

describe('withoutShallow', () => {
  const refs = [line('# service=git-upload-pack\n'), '0000', line(`${sha('a')} HEAD\0caps\n`)];

  it('takes out the lines that are no refs', () => {
    const answer = [...refs, line(`shallow ${sha('a')}\n`), line(`shallow ${sha('b')}`), '0000'];
    const { body, shallow } = withoutShallow(Buffer.from(answer.join('')));
    expect(body.toString()).toBe([...refs, '0000'].join(''));
    expect(shallow).toEqual([sha('a'), sha('b')]);
  });

  it.each([
    [...refs, '0000'].join(''),
    [...refs, line(`${sha('c')} refs/heads/shallow\n`), '0000'].join(''),
    `<html>shallow ${sha('a')}</html>`,
    line(`shallow ${sha('a')}\n`).slice(0, -1),
    '00',
    '',
  ])('leaves everything else as it is: %j', (answer) => {
    const { body, shallow } = withoutShallow(Buffer.from(answer));
    expect(body.toString()).toBe(answer);
    expect(shallow).toEqual([]);
  });
});
