import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');

/** The list is a module of its own format, so another process reads it. */
function plainWords(): readonly (readonly [RegExp, string])[] {
  const script = `
    import { PLAIN_WORDS } from './plain-words.mjs';
    const list = PLAIN_WORDS.map(([{ source, flags }, instead]) => [source, flags, instead]);
    console.log(JSON.stringify(list));`;
  const args = ['--input-type=module', '-e', script];
  const text = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  const list = JSON.parse(text) as [string, string, string][];
  return list.map(([source, flags, instead]) => [new RegExp(source, flags), instead] as const);
}

function documents(): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  const pages = docs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name));
  return ['README.md', 'CHANGELOG.md', ...pages];
}

it('documents are in plain words, as lint holds the code', () => {
  const words = plainWords();
  expect(words.length).toBeGreaterThan(10);
  const found = documents().flatMap((name) => {
    const lines = readFileSync(join(root, name), 'utf8').split('\n');
    return lines.flatMap((line, index) =>
      words.flatMap(([pattern, instead]) => {
        const match = pattern.exec(line);
        return match ? [`${name}:${index + 1} "${match[0]}": write ${instead}`] : [];
      }),
    );
  });
  expect(found).toEqual([]);
});
