import type { Scope } from './scope.js';
import { TemplateError, evaluateTemplate, isTemplate, parseTemplate } from './template.js';
import type { Template } from './template.js';

/** @throws TemplateError with the first problem of the text. */
export function parsedTemplate(source: string): Template {
  const parsed = parseTemplate(source);
  if (parsed.ok) return parsed.template;
  const [problem] = parsed.problems;
  throw new TemplateError(
    problem ?? { code: 'unexpected_token', message: 'The text cannot be read.', offset: 0 },
  );
}

/**
 * The text with its expressions replaced.
 *
 * @throws TemplateError with the first problem of the text.
 */
export function renderText(source: string, scope: Scope): string {
  return isTemplate(source) ? evaluateTemplate(parsedTemplate(source), scope) : source;
}
