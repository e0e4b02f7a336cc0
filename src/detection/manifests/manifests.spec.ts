import { readDockerfile } from './dockerfile.js';
import { type DataNode, type Parsed } from './data-node.js';
import { readGoMod } from './go-mod.js';
import { readToml } from './read-toml.js';
import { readXml, xmlAll, xmlAt } from './read-xml.js';
import { readYaml } from './read-yaml.js';
import { readRequirements } from './requirements.js';

const rootOf = (parsed: Parsed): DataNode => {
  if ('root' in parsed) return parsed.root;
  throw new Error(parsed.problem);
};
const problemOf = (parsed: object): unknown => ('problem' in parsed ? parsed : 'none');

describe('readYaml', () => {
  it('reads JSON as it is written, also with tabs, and tells lines', () => {
    const root = rootOf(
      readYaml('{\n\t"a": {\n\t\t"b": "x\\/\\u0041",\n\t\t"n": 1\n\t},\n\t"c": [true, null]\n}'),
    );
    expect(root.at('a', 'b')).toMatchObject({ text: 'x/A', line: 3 });
    expect(root.at('a', 'n')).toMatchObject({ scalar: '1', text: undefined });
    expect(root.at('c')?.items.map(({ scalar }) => scalar)).toEqual(['true', undefined]);
    expect(root.at('a', 'b', 'c')).toBeUndefined();
  });

  it('keeps names of objects apart from those that every object has', () => {
    const root = rootOf(readYaml('{ "__proto__": { "x": 1 }, "constructor": 2 }'));
    expect(root.at('__proto__', 'x')?.scalar).toBe('1');
    expect(root.at('toString')).toBeUndefined();
    expect(root.entries.map(([name]) => name)).toEqual(['__proto__', 'constructor']);
  });

  it('resolves no alias, so that none grows', () => {
    const bomb = 'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n';
    expect(
      rootOf(readYaml(bomb))
        .at('c')
        ?.items.map(({ value }) => value),
    ).toEqual([null, null]);
  });

  it('refuses what is too deep', () => {
    const deep = `${'['.repeat(200)}${']'.repeat(200)}`;
    expect(problemOf(readYaml(deep))).toMatchObject({ problem: expect.stringContaining('100') });
  });
});

describe('readToml', () => {
  it('reads tables, dotted keys and arrays of tables, each with its line', () => {
    const root = rootOf(
      readToml(
        'top = 1\n[a.b]\nc = "x"\n[[bin]]\nname = "one"\n[[bin]]\nname = "two"\n[bin.more]\nx.y = true\n[d]\ne = { f = [1,\n 2] }\n',
      ),
    );
    expect(root.at('a', 'b', 'c')).toMatchObject({ text: 'x', line: 3 });
    expect(root.at('bin')?.items.map((one) => [one.at('name')?.text, one.line])).toEqual([
      ['one', 4],
      ['two', 6],
    ]);
    expect(root.at('bin')?.items[1]?.at('more', 'x', 'y')?.scalar).toBe('true');
    expect(root.at('d', 'e', 'f')?.items.map(({ line }) => line)).toEqual([11, 12]);
  });

  it('tells what is wrong, and where', () => {
    expect(problemOf(readToml('a = 1\nb = \n'))).toMatchObject({ line: 3 });
    expect(problemOf(readToml('a = 1\na = 2\n'))).toMatchObject({ line: 2 });
  });
});

describe('readXml', () => {
  it('reads elements, attributes, texts and lines, whatever the prefix', () => {
    const parsed = readXml(
      '<?xml version="1.0"?>\n<m:a x="1">\n  <b> t<![CDATA[<u>]]> </b>\n  <b/>\n</m:a>',
    );
    if (!('root' in parsed)) throw new Error(parsed.problem);
    expect(parsed.root).toMatchObject({ name: 'a', line: 2 });
    expect(parsed.root.attributes.get('x')).toBe('1');
    expect(xmlAt(parsed.root, 'b')).toMatchObject({ text: 't<u>', line: 3 });
    expect(xmlAll(parsed.root, 'b')).toHaveLength(2);
  });

  it.each([
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]>\n<a>&b;</a>', 'document type'],
    ['what is not closed', '<a>', 'nclosed'],
    ['too deep', '<a>'.repeat(300) + '</a>'.repeat(300), '200'],
    ['nothing', '', 'element'],
  ])('refuses %s', (_name, text, problem) => {
    expect(problemOf(readXml(text))).toMatchObject({ problem: expect.stringContaining(problem) });
  });
});

describe('readGoMod', () => {
  it('reads directives in lines and blocks, without comments and what is indirect', () => {
    const text =
      '// module no\nmodule "example.com/a/v2" // yes\ngo 1.24\nrequire a.b/c v1\nrequire (\n  d.e/f v2 // indirect\n  g.h/i v3 // why\n)\nreplace (\n x => y\n)\n';
    expect(readGoMod(text)).toEqual({
      module: { value: 'example.com/a/v2', line: 2 },
      go: { value: '1.24', line: 3 },
      toolchain: undefined,
      requires: [
        { value: 'a.b/c', line: 4 },
        { value: 'g.h/i', line: 7 },
      ],
    });
  });
});

describe('readDockerfile', () => {
  it('joins lines, and leaves out comments and here-documents', () => {
    const text = '# syntax=x\nfrom a\nRUN b \\\n# c\n\n  d\nRUN <<EOF\nEXPOSE 1\nEOF\nCMD ["e"]';
    expect(readDockerfile(text)).toEqual([
      { name: 'FROM', value: 'a', line: 2 },
      { name: 'RUN', value: expect.stringMatching(/^b d$/), line: 3 },
      { name: 'RUN', value: '<<EOF', line: 7 },
      { name: 'CMD', value: '["e"]', line: 10 },
    ]);
  });

  it('ends where the file does, in the middle of an instruction', () => {
    expect(readDockerfile('FROM a\nRUN b \\')).toEqual([
      { name: 'FROM', value: 'a', line: 1 },
      { name: 'RUN', value: 'b', line: 2 },
    ]);
  });
});

describe('readRequirements', () => {
  it('reads names as one spelling, and leaves out options, comments and addresses', () => {
    const lines = [
      '# no',
      'Django==5 # why',
      '-r other.txt',
      'zope.Interface ; python_version<"3"',
      'https://x/y.whl',
      'a[b]>=1',
      '',
    ];
    expect(readRequirements(lines)).toEqual([
      { name: 'django', rest: '==5', line: 2 },
      { name: 'zope-interface', rest: '; python_version<"3"', line: 4 },
      { name: 'a', rest: '[b]>=1', line: 6 },
    ]);
  });
});
