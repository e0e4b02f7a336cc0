import { nameRecord } from '../../common/values/name-record.js';
import type { Scope } from '../expression/scope.js';
import { TemplateError, evaluateTemplate } from '../expression/template.js';
import type { TemplatePart } from '../expression/template.js';
import { parsedTemplate } from './render-text.js';
import { ShellCursor } from './shell-cursor.js';

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
 * A value never becomes text of a command, wherever it comes from: it is put into a variable, and the command holds a
 * reference to it, `${MILLRACE_EXPR_1}`. So a branch named `x; rm -rf /` or a title with backticks stays a value, and what
 * quotes a variable quotes it too: `echo "${{ trigger.message }}"` prints the message as it is, and without quotes the
 * shell splits it into words as it does with every variable. In single quotes, where a shell expands nothing, the
 * quote is closed round the reference.
 *
 * @throws TemplateError for a wrong expression, or one inside a quoted here-document (`<<'EOF'`), which could not be filled in.
 */
export function shellCommands(sources: readonly string[], scope: Scope): ShellCommands {
  const variables = new Map<string, { readonly name: string; readonly value: string }>();
  const commands = sources.map((source) => {
    const { parts } = parsedTemplate(source);
    const cursor = new ShellCursor();
    return parts.map((part) => {
      if (part.kind === 'text') {
        cursor.pass(part.text);
        return part.text;
      }
      const text = reference(cursor, part, variableFor(part, variables, scope));
      cursor.passWord();
      return text;
    });
  });
  return {
    commands: commands.map((parts) => parts.join('')),
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

function reference(cursor: ShellCursor, part: ExpressionPart, name: string): string {
  switch (cursor.place) {
    case 'expanding':
      return `\${${name}}`;
    case 'single_quoted':
      return `'"\${${name}}"'`;
    case 'quoted_heredoc':
      throw new TemplateError({
        code: 'unexpected_token',
        message:
          'An expression inside a quoted here-document is never filled in; write <<EOF without quotes.',
        offset: part.offset,
      });
  }
}
