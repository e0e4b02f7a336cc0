import { jsonMembers } from './json-members.js';

/** No body is larger. */
const SIZE = 25 * 1024 * 1024;
const members = (text: string, ...names: string[]) =>
  Object.fromEntries(jsonMembers(Buffer.from(text), names));

describe('jsonMembers', () => {
  it('finds members of the object itself, whatever their values are', () => {
    const text = ` {"a":{"project_id":1},"b":["project_id",2],"t":"project_id","project_id" : 7 ,
      "project":{"id":5,"n":"}\\"{","l":[1,{"x":2}]},"repository":"r"}`;
    expect(members(text, 'project', 'project_id', 'repository', 'absent')).toEqual({
      project: { id: 5, n: '}"{', l: [1, { x: 2 }] },
      project_id: 7,
      repository: 'r',
    });
  });

  it('takes the first of a name, and does not read on', () => {
    expect(members('{"a":1,"a":2}', 'a')).toEqual({ a: 1 });
    expect(members('{"a":1,no JSON', 'a')).toEqual({ a: 1 });
    expect(members(`{"a":1,"b":${'['.repeat(100)}`, 'a')).toEqual({ a: 1 });
  });

  it('finds nothing in what is no object, not whole, or nested deeper than 64', () => {
    for (const text of [
      '',
      '[{"a":1}]',
      '"a"',
      '{"a":',
      '{"a":1',
      '{"a":x}',
      '{"a\\":1}',
      '\ufeff{}',
    ]) {
      expect(members(text, 'a')).toEqual({});
    }
    const nested = (levels: number): string =>
      `{"b":${'['.repeat(levels)}${']'.repeat(levels)},"a":1}`;
    expect(members(nested(63), 'a')).toEqual({ a: 1 });
    expect(members(nested(64), 'a')).toEqual({});
    expect(members(`{"b":"${' '.repeat(4 * 1024 * 1024)}","a":1}`, 'a')).toEqual({});
    expect(members(`{"a":"${'x'.repeat(256 * 1024)}"}`, 'a')).toEqual({});
  });

  it.each([
    ['brackets', '[', ''],
    ['brackets in an object', '[', '{"b":'],
    ['empty lists', '[],', '{"b":['],
    ['members', '"a":1,', '{'],
    ['names of the same length', '"repositorx":1,', '{'],
    ['the same name', '"repository":[],', '{"b":1,'],
    ['colons', ':', '{"repositorx"'],
    ['empty texts', '""', '{'],
    ['escaped quotes', '\\"', '{"'],
    ['backslashes', '\\\\', '{"'],
    ['spaces', ' ', '{'],
  ])('parses next to nothing of what a sender chooses: %s', (_name, piece, head) => {
    const bytes = Buffer.concat([Buffer.from(head), Buffer.alloc(SIZE, piece)]);
    // JSON.parse takes seconds for some of them; the one pass before it takes 30 ms for each.
    const parse = jest.spyOn(JSON, 'parse');
    jsonMembers(bytes, ['repository', 'project']);
    const parsed = parse.mock.calls.reduce((sum, [text]) => sum + text.length, 0);
    parse.mockRestore();
    expect(parsed).toBeLessThan(1024);
  });
});
