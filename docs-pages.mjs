// `npm run build`, at its end: makes pages of README.md and docs/, which the server shows at /docs.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { Marked } from 'marked';
import { escaped, htmlPage } from './dist/common/http/html-page.js';

const root = import.meta.dirname;
const target = join(root, 'dist', 'docs');
const SWAGGER = '/api/docs';

/** `README.md`, and all below docs/, as paths of this folder. */
function sources() {
  const names = readdirSync(join(root, 'docs'), { recursive: true }).map((name) =>
    posix.join('docs', name.replaceAll('\\', '/')),
  );
  return ['README.md', ...names.filter((name) => name.endsWith('.md')).sort()];
}

/** Where a document is shown; README.md is where they begin. */
function addressOf(path) {
  return path === 'README.md' ? '/docs/' : `/${path.replace(/\.md$/, '')}`;
}

/** As GitHub does it, by which the documents link to each other. */
function anchorOf(text) {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

/** A link of a document, for its page; what is no document stays a name. */
function linkOf(href, from, all) {
  if (/^[a-z]+:/i.test(href) || href.startsWith('#')) return href;
  const [path, anchor] = href.split('#');
  const named = posix.normalize(posix.join(posix.dirname(from), path));
  if (!all.includes(named)) return undefined;
  return anchor === undefined ? addressOf(named) : `${addressOf(named)}#${anchor}`;
}

function pageOf(path, all) {
  const markdown = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        const plain = text.replaceAll(/[`*]/g, '').replaceAll(/\[(.*?)\]\(.*?\)/g, '$1');
        return `<h${depth} id="${anchorOf(plain)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        const link = linkOf(href, path, all);
        return link === undefined ? text : `<a href="${escaped(link)}">${text}</a>`;
      },
      // Of our documents nothing is HTML: <NAME> is a word.
      html({ text }) {
        return escaped(text);
      },
    },
  });
  const text = readFileSync(join(root, path), 'utf8');
  const title = /^# (.+)$/m.exec(text)?.[1] ?? path;
  const top = `<p><a href="/">Millrace</a> · <a href="/docs/">Documentation</a> · <a href="${SWAGGER}">API</a></p>\n`;
  return htmlPage(escaped(title), `<main>${top}${markdown.parse(text)}</main>`);
}

rmSync(target, { recursive: true, force: true });
const all = sources();
for (const path of all) {
  const page = path === 'README.md' ? 'index' : path.replace(/^docs\/|\.md$/g, '');
  const file = join(target, `${page}.html`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, pageOf(path, all));
}
