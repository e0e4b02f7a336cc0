import {
  type ArgumentMetadata,
  ValidationPipe,
  type ValidationError as FieldError,
} from '@nestjs/common';
import { validationError, type MillraceError } from '../errors/millrace.error.js';
import {
  type DtoClass,
  type DtoInput,
  dtoInput,
  type FieldProblem,
  withMaps,
} from './dto-input.js';

/** What the framework's pipe throws: the problems, to be reported together with ours. */
class FieldErrors extends Error {
  constructor(readonly problems: readonly FieldProblem[]) {
    super('fields are not valid');
  }
}

/**
 * Checks bodies and queries against their DTO: unknown properties are refused, all problems told at
 * once. Names are taken by the input's own properties, so none of those that every object inherits
 * is known, or lost.
 */
export function validationPipe(): ValidationPipe {
  return new RequestPipe();
}

class RequestPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      transform: true,
      stopAtFirstError: false,
      validationError: { target: false, value: false },
      exceptionFactory: (errors) =>
        new FieldErrors(errors.flatMap((error) => fieldProblems(error, ''))),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const input = inputOf(value, metadata);
    const problems = [...(input?.problems ?? [])];
    let result: unknown;
    try {
      result = await super.transform(input?.known ?? value, metadata);
    } catch (error) {
      if (!(error instanceof FieldErrors)) throw error;
      problems.push(...error.problems);
    }
    if (problems.length > 0) throw fieldErrors(problems);
    return input ? withMaps(result, input) : result;
  }
}

/**
 * Undefined for what is no DTO (`@Param('id')`), and for what is no object, which the framework's
 * pipe refuses.
 */
function inputOf(value: unknown, { type, metatype }: ArgumentMetadata): DtoInput | undefined {
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isPlain || metatype === undefined || (type !== 'body' && type !== 'query')) return undefined;
  return dtoInput(value, metatype as DtoClass, type);
}

/** 400: fields of a body or a query that are not as their DTO says. */
export function fieldErrors(details: readonly FieldProblem[]): MillraceError {
  const unknown = details.filter((each) => each.code === 'unknown_property');
  const suggestions = ['Correct the fields that `details` names; /api/docs shows every field.'];
  if (unknown.length > 0) {
    suggestions.push(`Leave out: ${unknown.map((each) => each.path).join(', ')}.`);
  }
  return validationError('The request has fields that are not valid.', { details, suggestions });
}

function fieldProblems(error: FieldError, parent: string): FieldProblem[] {
  const path = joinPath(parent, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    path,
    code: rule,
    message,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldProblems(child, path))];
}

function joinPath(parent: string, property: string | undefined): string {
  const name = (property ?? '').slice(0, 100);
  if (parent === '') return name;
  return /^\d+$/.test(name) ? `${parent}[${name}]` : `${parent}.${name}`;
}
