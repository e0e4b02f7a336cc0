import { parseTemplate, type Template } from '../../expression/template.js';
import { expressionPlaces, type Shell } from '../../shell/expression-places.js';
import { adviceFor } from '../../shell/place-advice.js';
import type { YamlPath } from '../../yaml/problem.js';
import type { MisplacedExpression, StepExpression } from '../step-kind.js';

/** Expressions in commands that stand where a shell does not surely take their value as a value. */
export function* misplacedInCommands(
  commands: readonly string[],
  shell: Shell,
  uses: readonly StepExpression[],
): Iterable<MisplacedExpression> {
  const waiting = uses.filter(({ keys }) => isCommand(keys)).map(({ use }) => use);
  if (waiting.length === 0) return;
  const templates = commands.map(templateOf);
  const places = expressionPlaces(templates, shell);
  let number = 0;
  for (const template of templates) {
    const at = waiting.findIndex((use) => use.text === template.source);
    const use = waiting[at];
    if (at >= 0) waiting.splice(at, 1);
    for (const part of template.parts) {
      if (part.kind !== 'expression') continue;
      const place = places[number++];
      if (place?.kind !== 'refused' || use === undefined) continue;
      yield { use, part, ...adviceFor(place.why, part.expression.source.trim()) };
    }
  }
}

/** The step itself, `run`, `run[2]` or `config.script`. */
function isCommand(keys: YamlPath): boolean {
  const key = keys[0] === 'config' ? keys[1] : keys[0];
  return key === undefined || /^(run|script|command)$/.test(String(key));
}

/** Of a command that was read: its expressions have no mistakes. */
function templateOf(source: string): Template {
  const parsed = parseTemplate(source);
  return parsed.ok ? parsed.template : { source, parts: [{ kind: 'text', text: source }] };
}
