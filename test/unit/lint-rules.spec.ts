import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * What eslint says of a text as if it stood in a file of ours: the rule asks for types, so the file
 * is one of the project.
 */
async function reports(source: string): Promise<string[]> {
  const script = `
    import { ESLint } from 'eslint';
    const [{ messages }] = await new ESLint().lintText(process.env.SOURCE, {
      filePath: 'src/engine/plan/plan.ts',
    });
    console.log(JSON.stringify(messages
      .filter(({ ruleId, fatal }) => fatal || ruleId === 'local/no-name-index')
      .map(({ messageId, message }) => messageId ?? message)));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    // In CI typescript-eslint reads the file itself, as for a whole run, and not the text that it
    // is given.
    env: { ...process.env, SOURCE: source, TSESTREE_SINGLE_RUN: 'false' },
  });
  return JSON.parse(stdout) as string[];
}

jest.setTimeout(120_000);

it('lint forbids names of users as keys of plain objects, and only these', async () => {
  const found = await reports(`
    type Names = Readonly<Record<string, string>>;
    export function f(names: Names, name: string, list: string[], at: number): unknown {
      const all: Record<string, string> = {};
      all[name] = 'x';
      const table: Record<'a' | 'b', number> = { a: 1, b: 2 };
      const fixed = [names['PATH'], list[at], table[at > 1 ? 'a' : 'b'], 'a' in table];
      return [names[name], name in names, name in table, Object.fromEntries([[name, 1]]), fixed];
    }`);
  expect(found).toEqual(['index', 'index', 'in', 'in', 'entries']);
});
