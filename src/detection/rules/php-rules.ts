import { CandidateDraft } from '../candidate.js';
import { assumed, known, unknown } from '../evidence.js';
import { procfileStart } from './procfile.js';
import type { ProjectRules } from './project-rules.js';
import { runtimeVersion } from './runtime-version.js';

const FRAMEWORKS = [
  ['laravel', 'laravel/framework'],
  ['symfony', 'symfony/framework-bundle'],
  ['slim', 'slim/slim'],
] as const;
const MANIFEST = 'composer.json';

/** Projects with a composer.json, or an index.php. */
export const phpRules: ProjectRules = {
  type: 'php',
  async examine(files) {
    const manifest = await files.yaml(MANIFEST);
    const index = (await files.has('public/index.php')) ? 'public/index.php' : 'index.php';
    const hasIndex = await files.has(index);
    if (manifest === undefined && !hasIndex) return undefined;
    const draft = new CandidateDraft('php');
    const file = files.pathOf(MANIFEST);
    if (manifest !== undefined) {
      draft.add('composer-json', file, 1, 0.6, 'composer.json is the manifest of a PHP project');
      const source = { rule: 'composer-json', file, line: 1 };
      draft.set('package_manager', known('composer', source));
      const install = 'composer install --no-dev --optimize-autoloader';
      draft.set('install_command', known(install, source));
    }
    for (const [name, dependency] of FRAMEWORKS) {
      const node = manifest?.at('require', dependency);
      if (node === undefined) continue;
      draft.add(`php-framework:${name}`, file, node.line, 0.5, `it requires ${dependency}`);
      draft.framework = name;
      break;
    }
    if (hasIndex) draft.add('php-index', files.pathOf(index), null, 0.4, 'a front page of PHP');
    draft.set(
      'runtime_version',
      await runtimeVersion(files, [
        { file: '.php-version' },
        { tool: 'php' },
        {
          of: async () => {
            const node = manifest?.at('require', 'php');
            if (node?.text === undefined) return undefined;
            return { value: node.text, source: { rule: 'composer-json', file, line: node.line } };
          },
        },
      ]),
    );
    draft.set('build_command', unknown('PHP is not built.'));
    const reason = 'PHP is served by a web server; the one of `php -S` is for development.';
    draft.set('start_command', (await procfileStart(files)) ?? unknown(reason));
    const isLibrary = manifest?.at('type')?.text === 'library' && !hasIndex;
    if (isLibrary) draft.purpose = 'library';
    if (hasIndex) {
      draft.purpose = 'service';
      const folder = index.startsWith('public/') ? 'public' : '.';
      draft.set('output_folder', assumed(folder, `It holds ${index}: the web server's root.`));
    }
    return draft.end();
  },
};
