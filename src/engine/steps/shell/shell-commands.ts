import { nameRecord } from '../../../common/values/name-record.js';
import type { Scope } from '../../expression/scope.js';
import { TemplateError, evaluateTemplate } from '../../expression/template.js';
import type { TemplatePart } from '../../expression/template.js';
import { type Shell, expressionPlaces } from '../../shell/expression-places.js';
import { refusalText } from '../../shell/place-advice.js';
import type { Place } from '../../shell/shell-tree.js';
import { parsedTemplate } from '../../expression/render-text.js';

/** Variables that carry the values of a step's expressions into its commands: `MILLRACE_EXPR_1`… */
export const EXPRESSION_VARIABLE = 'MILLRACE_EXPR_';

export interface ShellCommands {
  readonly commands: readonly string[];
  /** Variables that the commands refer to. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Commands of a shell step with their expressions evaluated.
 *
 * A value never becomes text of a command, wherever it comes from: it is put into a variable, and
 * the command holds a reference to it, `${MILLRACE_EXPR_1}`. So a branch named `x; rm -rf /` or a
 * title with backticks stays a value, and what quotes a variable quotes it too: `echo "${{
 * trigger.message }}"` prints the message as it is, and without quotes the shell splits it into
 * words as it does with every variable.
 *
 * Lint takes expressions only where they surely are a word or inside plain double quotes. Plans
 * that were stored before it did may hold others: in plain single quotes, here-documents and
 * `$(…)`, where the place is sure and nothing runs the value, they are filled in as they were; in
 * all others the step fails before anything of it runs.
 *
 * @throws TemplateError for a wrong expression, or one in such a place.
 */
export function shellCommands(
  sources: readonly string[],
  shell: Shell,
  scope: Scope,
): ShellCommands {
  const variables = new Map<string, { readonly name: string; readonly value: string }>();
  const templates = sources.map(parsedTemplate);
  const places = expressionPlaces(templates, shell);
  let next = 0;
  const commands = templates.map(({ parts }) => {
    const texts = parts.map((part) => {
      if (part.kind === 'text') return part.text;
      const place = places[next++];
      const name = variableFor(part, variables, scope);
      return place === undefined ? '' : reference(place, part, name);
    });
    return texts.join('');
  });
  return {
    commands,
    variables: nameRecord([...variables.values()].map(({ name, value }) => [name, value] as const)),
  };
}

type ExpressionPart = Extract<TemplatePart, { kind: 'expression' }>;

function variableFor(
  part: ExpressionPart,
  variables: Map<string, { readonly name: string; readonly value: string }>,
  scope: Scope,
): string {
  const { source } = part.expression;
  const known = variables.get(source.trim());
  if (known !== undefined) return known.name;
  const name = `${EXPRESSION_VARIABLE}${variables.size + 1}`;
  variables.set(source.trim(), { name, value: evaluateTemplate({ source, parts: [part] }, scope) });
  return name;
}

function reference(place: Place, part: ExpressionPart, name: string): string {
  if (place.kind === 'word' || place.stored === 'expanded') return `\${${name}}`;
  if (place.stored === 'single_quoted') return `'"\${${name}}"'`;
  const message = refusalText(place.why, part.expression.source.trim());
  throw new TemplateError({ code: 'misplaced_expression', message, offset: part.offset });
}
