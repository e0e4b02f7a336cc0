import type { RepositorySupport } from '../../common/values/repository-url.js';
import type { PipelineDefinition } from './definition.js';
import { readPipeline, tellForeign } from './pipeline-reader.js';
import { hasErrors, inTextOrder, type Problem } from '../yaml/problem.js';
import { ReadContext } from '../yaml/reader.js';
import { SourceText, textProblem } from '../yaml/source-text.js';
import { parseYamlTree } from '../yaml/yaml-tree.js';

export interface DefinitionDraft {
  /**
   * As far as it could be read; complete only when no problem is an error. Absent when the text is
   * no map at all.
   */
  readonly draft?: PipelineDefinition;
  readonly problems: readonly Problem[];
}

export interface ParsedDefinition {
  /** Absent when a problem is an error. */
  readonly definition?: PipelineDefinition;
  /** In the order of the text; warnings may stand beside a definition. */
  readonly problems: readonly Problem[];
}

/**
 * Reads a pipeline file of either form. Never throws for any text; refuses unread what is over 1
 * MiB, too deep or made of too many parts. Tells every mistake of one file but those between its
 * parts (names, needs, references): `compileYaml` tells all.
 */
export function parseDefinition(
  yamlText: string,
  repositories: RepositorySupport = { ssh: false },
): ParsedDefinition {
  const { draft, problems } = readDefinition(yamlText, repositories);
  const sorted = inTextOrder(problems);
  return hasErrors(sorted) ? { problems: sorted } : { definition: draft, problems: sorted };
}

/** Like `parseDefinition`, but answers what could be read of a wrong file too. */
export function readDefinition(yamlText: string, repositories: RepositorySupport): DefinitionDraft {
  const text = yamlText.startsWith('\ufeff') ? yamlText.slice(1) : yamlText;
  const unreadable = textProblem(text);
  if (unreadable !== undefined) return { problems: [unreadable] };
  const context = new ReadContext(new SourceText(text), repositories);
  const tree = parseYamlTree(text);
  const { firstOfMany: first } = tree;
  if (first?.kind === 'map') tellForeign(first, context);
  for (const { code, message, offset, path, suggestion } of tree.problems) {
    context.error(code, message, { path, offset }, suggestion);
  }
  const draft = tree.root === undefined ? undefined : readPipeline(tree.root, context);
  return { draft, problems: context.finish() };
}
