import { CandidateDraft } from '../candidate.js';
import { assumed, type Choice, type Fact, known, unknown } from '../evidence.js';
import type { SourceText } from '../manifests/source-text.js';
import type { ProjectFiles } from '../project-files.js';
import { procfileStart } from './procfile.js';
import type { ProjectRules } from './project-rules.js';
import { runtimeVersion } from './runtime-version.js';

const FRAMEWORKS = ['rails', 'hanami', 'sinatra', 'roda'];

/** Projects with a Gemfile. */
export const rubyRules: ProjectRules = {
  type: 'ruby',
  async examine(files) {
    const gemfile = await files.source('Gemfile', 'hash');
    if (gemfile === undefined) return undefined;
    const draft = new CandidateDraft('ruby');
    const file = files.pathOf('Gemfile');
    draft.add('gemfile', file, 1, 0.6, 'Gemfile is the manifest of a Ruby project');
    const gems = textsOf(gemfile, /^[ \t]*gem[ \t]*\(?[ \t]*(?=["'])/gm);
    for (const name of FRAMEWORKS) {
      const line = gems.get(name);
      if (line === undefined) continue;
      draft.add(`ruby-framework:${name}`, file, line, 0.5, `it depends on ${name}`);
      draft.framework = name;
      break;
    }
    const source = { rule: 'gemfile', file, line: 1 };
    draft.set('package_manager', known('bundler', source));
    draft.set('install_command', known('bundle install', source));
    draft.set('build_command', unknown('Ruby is not built.'));
    const ofGemfile = async (): Promise<Choice | undefined> => {
      const [found] = textsOf(gemfile, /^[ \t]*ruby[ \t]*\(?[ \t]*(?=["'])/gm);
      if (found === undefined) return undefined;
      return { value: found[0], source: { rule: 'gemfile', file, line: found[1] } };
    };
    draft.set(
      'runtime_version',
      await runtimeVersion(files, [{ file: '.ruby-version' }, { tool: 'ruby' }, { of: ofGemfile }]),
    );
    const hasRackup = await files.has('config.ru');
    if (hasRackup) draft.add('rackup', files.pathOf('config.ru'), null, 0.3, 'what Rack serves');
    const byProcfile = await procfileStart(files);
    const reason = 'No Procfile and no config.ru is there.';
    draft.set('start_command', byProcfile ?? unknown(reason));
    const puma = gems.get('puma');
    if (byProcfile === undefined && hasRackup && puma !== undefined) {
      draft.set('start_command', known('bundle exec puma', { rule: 'gemfile', file, line: puma }));
      draft.set('port', assumed('9292', 'The port of Puma by itself.'));
    } else if (byProcfile === undefined && hasRackup) {
      draft.set('start_command', unknown('No server as puma is in the Gemfile.'));
    }
    draft.set('health_path', await railsHealth(files));
    const names = await files.filesOf();
    const isGem = names.some((name) => name.endsWith('.gemspec'));
    if (draft.framework !== null || hasRackup || byProcfile !== undefined) {
      draft.purpose = 'service';
    } else if (isGem) {
      draft.becomeLibrary();
    }
    return draft.end();
  },
};

/** The route that Rails makes by itself since 7.1, as it stands in the routes. */
async function railsHealth(files: ProjectFiles): Promise<Fact> {
  const path = 'config/routes.rb';
  const routes = await files.source(path, 'hash');
  const route = /^[ \t]*get[ \t]*\(?[ \t]*(?=["'])/gm;
  for (const { match, line } of routes?.matches(route) ?? []) {
    const start = match.index + match[0].length;
    const [whole = ''] = routes?.code.slice(start).split('\n') ?? [];
    const value = routes?.textAt(start);
    if (value === undefined || !whole.includes('rails/health#show')) continue;
    const source = { rule: 'rails-health', file: files.pathOf(path), line };
    return known(value.startsWith('/') ? value : `/${value}`, source);
  }
  return unknown('No route of config/routes.rb is that of rails/health.');
}

/** Texts that stand behind the pattern, each with the line of the first. */
function textsOf(source: SourceText, pattern: RegExp): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { match, line } of source.matches(pattern)) {
    const text = source.textAt(match.index + match[0].length);
    if (text !== undefined && !found.has(text)) found.set(text, line);
  }
  return found;
}
