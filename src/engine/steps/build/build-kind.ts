import { nameRecord } from '../../../common/values/name-record.js';
import { renderText } from '../../expression/render-text.js';
import type { Scope } from '../../expression/scope.js';
import { ownForm, type StepKind } from '../step-kind.js';
import { BUILD_KIND, BUILD_OUTPUTS, type BuildAction } from './build-action.js';
import type { BuildDraft } from './build-draft.js';
import { buildReader } from './build-keys.js';
import { rustciBuildForm } from './rustci-build-form.js';

/** Builds an image of a folder of the workspace. */
export const buildKind: StepKind<BuildDraft, BuildAction> = {
  kind: BUILD_KIND,
  meaning: 'builds an image, and pushes it where it is told to',
  ownForm: ownForm({
    keys: {
      build: {
        reader: buildReader,
        value: 'folder, or a map',
        default: 'none',
        meaning: 'the context of an image that is built; see below',
      },
    },
    begunBy: ['build'],
    read: ({ build }) => build ?? { kind: BUILD_KIND, context: '.', secrets: [] },
  }),
  rustciForm: rustciBuildForm,
  runsIn: 'image',
  outputs: BUILD_OUTPUTS,
  secrets: ({ secrets }) => secrets,
  compile: (draft) => compiledBuild(draft),
  prepare: (action, scope) => ({
    action: renderedBuild(action, scope),
    variables: nameRecord([]),
  }),
  view: ({ context, tags = [], push }) => {
    const what = tags.length === 0 ? `builds ${context}` : `builds ${tags.join(', ')}`;
    return { summary: push === true ? `${what}, and pushes it` : what, directory: context };
  },
  document: ({ context, dockerfile, tags, target }) => ({
    step_type: 'docker',
    config: { build_context: context, dockerfile, tags, target },
  }),
};

/** As it stands in plans. */
export function compiledBuild({ secrets, ...draft }: BuildDraft): BuildAction {
  return {
    ...draft,
    kind: BUILD_KIND,
    ...(secrets.length > 0 && { secrets: [...new Set(secrets.map(({ name }) => name))] }),
  };
}

/**
 * With every text evaluated.
 *
 * @throws TemplateError
 */
export function renderedBuild(action: BuildAction, scope: Scope): BuildAction {
  const { dockerfile, tags, args, labels, cacheFrom } = action;
  return {
    ...action,
    context: renderText(action.context, scope),
    ...(dockerfile !== undefined && { dockerfile: renderText(dockerfile, scope) }),
    ...(args && { args: renderAll(args, scope) }),
    ...(tags && { tags: tags.map((tag) => renderText(tag, scope)) }),
    ...(labels && { labels: renderAll(labels, scope) }),
    ...(Array.isArray(cacheFrom) && {
      cacheFrom: (cacheFrom as readonly string[]).map((name) => renderText(name, scope)),
    }),
  };
}

function renderAll(
  texts: Readonly<Record<string, string>>,
  scope: Scope,
): Readonly<Record<string, string>> {
  return nameRecord(
    Object.entries(texts).map(([name, text]) => [name, renderText(text, scope)] as const),
  );
}
