import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const source = resolve(__dirname, '../../src');
/** A route in a text; the document of the API and the probes are for browsers and programs. */
const ROUTE = /\/api\/(?!docs|health)/;

/** What has no command: browsers and programs do it by the API alone. */
const BY_API_ALONE: readonly RegExp[] = [
  /X-CSRF-Token/,
  /webhook-secret/,
  // Addresses to open in a browser.
  /\/api\/sessions\/oauth/,
  /Address of its API/,
  // Beside the command.
  /^curl /,
];

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => /(?<!\.spec|\.fixture|\.d)\.ts$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(source, name), 'utf8') }))
  .filter(({ text }) => ROUTE.test(text));

/** Texts of several words in a file, but for those of decorators: the document of the API. */
function sentencesOf({ name, text }: (typeof files)[number]): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isDecorator(node)) return;
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      const words = node.getText().slice(1, -1);
      if (/\s/.test(words.replace(/\$\{[^}]*\}/g, ''))) found.push(words);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true));
  return found;
}

it('a hint that names a route of the API names the command that does the same', () => {
  const hints = files.flatMap((file) => sentencesOf(file).filter((each) => ROUTE.test(each)));
  expect(hints.length).toBeGreaterThan(5);
  const bare = hints.filter(
    (hint) => !hint.includes('./millrace ') && !BY_API_ALONE.some((rule) => rule.test(hint)),
  );
  expect(bare).toEqual([]);
});
