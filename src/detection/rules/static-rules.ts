import { CandidateDraft } from '../candidate.js';
import { known, unknown } from '../evidence.js';
import type { ProjectRules } from './project-rules.js';

/** Folders whose index.html is that of a finished site. */
const FOLDERS = ['', 'public', 'dist', 'site', 'docs', 'www'];

/** Folders of files that a web server shows as they are. */
export const staticRules: ProjectRules = {
  type: 'static',
  async examine(files) {
    for (const folder of FOLDERS) {
      const path = folder === '' ? 'index.html' : `${folder}/index.html`;
      if (!(await files.has(path))) continue;
      const draft = new CandidateDraft('static');
      // By itself it says little: most front ends have one.
      const source = draft.add('index-html', files.pathOf(path), null, 0.5, 'a page for browsers');
      draft.purpose = 'site';
      draft.set('output_folder', known(folder === '' ? '.' : folder, source));
      for (const name of ['install_command', 'build_command', 'start_command'] as const) {
        draft.set(name, unknown('Files are shown as they are.'));
      }
      return draft.end();
    }
    return undefined;
  },
};
