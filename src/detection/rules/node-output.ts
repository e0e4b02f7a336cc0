import type { Choice, Source } from '../evidence.js';
import type { DataNode } from '../manifests/data-node.js';
import type { ProjectFiles } from '../project-files.js';
import type { OutputSettings } from './node-frameworks.js';

/** What else a configuration is made of. */
const OTHER_FILE = /\b(?:from|import|require)\b[ \t]*\(?[ \t]*["'`]\.{1,2}\//;

/** Who says where a build leaves its files: a program, which nobody runs to know it, or a field. */
export type OutputDecision =
  { readonly by: Source; readonly what: string } | { readonly value: Choice };

/**
 * Undefined: nothing says so, and the framework does what it does by itself. Of configurations that
 * are programs nothing is taken: where a word of it stands outside of comments, that decides.
 */
export async function outputDecision(
  files: ProjectFiles,
  manifest: DataNode,
  { files: names, words, options, field }: OutputSettings,
): Promise<OutputDecision | undefined> {
  const decisive = new RegExp(`\\b(?:${words.join('|')})\\b|${OTHER_FILE.source}`);
  for (const name of (await files.filesOf()).filter((one) => names.test(one))) {
    const text = (await files.source(name, name.startsWith('.env') ? 'hash' : 'c'))?.code ?? '';
    const found = decisive.exec(text);
    if (found === null) continue;
    const line = text.slice(0, found.index).split('\n').length;
    const what = words.includes(found[0]) ? found[0] : 'what it takes from another file';
    return { by: { rule: 'output-config', file: files.pathOf(name), line }, what };
  }
  const file = files.pathOf('package.json');
  const script = manifest.at('scripts', 'build');
  if (script?.text !== undefined && options?.test(script.text) === true) {
    return { by: { rule: 'script-build', file, line: script.line }, what: 'the script `build`' };
  }
  const node = field && manifest.at(...field);
  if (node?.text === undefined) return undefined;
  return { value: { value: node.text, source: { rule: 'package-json', file, line: node.line } } };
}
