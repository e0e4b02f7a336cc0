import { ValidationPipe, type ValidationError as FieldError } from '@nestjs/common';
import { validationError, type MillraceError } from '../errors/millrace.error.js';

/** One field that is wrong, as in `details`. */
export interface FieldProblem {
  /** `inputs.target`, `items[2].name` */
  readonly path: string;
  /** Name of the rule that was broken, such as `isString`; `unknown_property` for a name that is not known. */
  readonly code: string;
  readonly message: string;
}

const unknownPropertyRule = 'whitelistValidation';

/** Checks bodies and queries against their DTO: unknown properties are refused, all problems told at once. */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    stopAtFirstError: false,
    validationError: { target: false, value: false },
    exceptionFactory: fieldErrors,
  });
}

function fieldErrors(errors: FieldError[]): MillraceError {
  const details = errors.flatMap((error) => fieldProblems(error, ''));
  const unknown = details.filter((each) => each.code === 'unknown_property');
  const suggestions = ['Correct the fields that `details` names; /api/docs shows every field.'];
  if (unknown.length > 0) {
    suggestions.push(`Leave out: ${unknown.map((each) => each.path).join(', ')}.`);
  }
  return validationError('The request has fields that are not valid.', { details, suggestions });
}

function fieldProblems(error: FieldError, parent: string): FieldProblem[] {
  const path = joinPath(parent, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) =>
    rule === unknownPropertyRule
      ? { path, code: 'unknown_property', message: `${path} is not known here` }
      : { path, code: rule, message },
  );
  return [...own, ...(error.children ?? []).flatMap((child) => fieldProblems(child, path))];
}

function joinPath(parent: string, property: string | undefined): string {
  const name = (property ?? '').slice(0, 100);
  if (parent === '') return name;
  return /^\d+$/.test(name) ? `${parent}[${name}]` : `${parent}.${name}`;
}
