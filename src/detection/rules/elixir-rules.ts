import { CandidateDraft } from '../candidate.js';
import { assumed, type Choice, known, unknown } from '../evidence.js';
import { procfileStart } from './procfile.js';
import type { ProjectRules } from './project-rules.js';
import { runtimeVersion } from './runtime-version.js';

/** Projects with a mix.exs. */
export const elixirRules: ProjectRules = {
  type: 'elixir',
  async examine(files) {
    const mix = await files.source('mix.exs', 'hash');
    if (mix === undefined) return undefined;
    const draft = new CandidateDraft('elixir');
    const file = files.pathOf('mix.exs');
    const source = draft.add(
      'mix-exs',
      file,
      1,
      0.7,
      'mix.exs is the manifest of an Elixir project',
    );
    draft.set('package_manager', known('mix', source));
    draft.set('install_command', known('mix deps.get --only prod', source));
    const ofManifest = async (): Promise<Choice | undefined> => {
      for (const { match, line } of mix.matches(/\belixir:[ \t]*(?=["'])/g)) {
        const value = mix.textAt(match.index + match[0].length);
        if (value !== undefined) return { value, source: { ...source, line } };
      }
      return undefined;
    };
    const sources = [{ file: '.elixir-version' }, { tool: 'elixir' }, { of: ofManifest }];
    draft.set('runtime_version', await runtimeVersion(files, sources));
    const [phoenix] = mix.matches(/\{[ \t]*:phoenix[ \t]*,/g);
    const [application] = mix.matches(/\bmod:[ \t]*\{/g);
    draft.set('start_command', unknown('It starts no application.'));
    if (phoenix !== undefined) {
      draft.add('elixir-framework:phoenix', file, phoenix.line, 0.3, 'it depends on phoenix');
      draft.framework = 'phoenix';
      draft.set('port', assumed('4000', 'The port of Phoenix by itself.'));
    }
    if (application === undefined) {
      draft.purpose = phoenix === undefined ? 'library' : 'service';
    } else {
      draft.purpose = 'service';
      draft.set('build_command', known('MIX_ENV=prod mix release', source));
      const reason = 'The name of the release is that of the application.';
      draft.set('start_command', unknown(reason));
    }
    const byProcfile = await procfileStart(files);
    if (byProcfile !== undefined) draft.set('start_command', byProcfile);
    return draft.end();
  },
};
