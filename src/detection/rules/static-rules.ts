import { CandidateDraft } from '../candidate.js';
import { type Choice, factOf, unknown } from '../evidence.js';
import type { ProjectRules } from './project-rules.js';

/** Folders whose index.html is that of a finished site. */
const FOLDERS = ['', 'public', 'dist', 'site', 'docs', 'www'];

/** Folders of files that a web server shows as they are. */
export const staticRules: ProjectRules = {
  type: 'static',
  async examine(files) {
    const found: Choice[] = [];
    const draft = new CandidateDraft('static');
    for (const folder of FOLDERS) {
      const path = folder === '' ? 'index.html' : `${folder}/index.html`;
      if (!(await files.has(path))) continue;
      const at = { rule: 'index-html', file: files.pathOf(path), line: null };
      found.push({ value: folder === '' ? '.' : folder, source: at });
    }
    const [first] = found;
    if (first === undefined) return undefined;
    // By itself it says little: most front ends have one.
    draft.add('index-html', first.source.file, null, 0.5, 'a page for browsers');
    draft.purpose = 'site';
    const several = 'Several folders have a page for browsers.';
    draft.set('output_folder', factOf(found, several, unknown(several)));
    for (const name of ['install_command', 'build_command', 'start_command'] as const) {
      draft.set(name, unknown('Files are shown as they are.'));
    }
    return draft.end();
  },
};
