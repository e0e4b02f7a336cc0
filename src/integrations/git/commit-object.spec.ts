import { parseCommitObject } from './commit-object.js';

const headers = `tree ${'a'.repeat(40)}\nparent ${'b'.repeat(40)}\n`;
const committer = 'committer C <c@x> 1700000000 +0000\n';

describe('parseCommitObject', () => {
  it('reads author and the whole message', () => {
    const text = `${headers}author Ada L <a@x> 1700000000 -0330\n${committer}\nsubject\n\nbody\n`;
    expect(parseCommitObject(Buffer.from(text))).toEqual({
      author: 'Ada L <a@x>',
      message: 'subject\n\nbody',
    });
  });

  it('honours the encoding header', () => {
    const text = `${headers}author J\u00f6rg <j@x> 1 +0000\n${committer}encoding ISO-8859-1\n\n\u00fcber`;
    expect(parseCommitObject(Buffer.from(text, 'latin1'))).toEqual({
      author: 'J\u00f6rg <j@x>',
      message: '\u00fcber',
    });
  });

  it('reads an encoding that is not known as UTF-8, and lives with headers alone', () => {
    const text = `${headers}author \u00e4 <j@x> -5 +0000\nencoding x-none`;
    expect(parseCommitObject(Buffer.from(text))).toEqual({ author: '\u00e4 <j@x>', message: '' });
    expect(parseCommitObject(Buffer.from('\n\nm'))).toEqual({ author: '', message: 'm' });
  });
});
