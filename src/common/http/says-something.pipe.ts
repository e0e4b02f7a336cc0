import { Injectable, type PipeTransform } from '@nestjs/common';
import { validationError } from '../errors/millrace.error.js';

/** Refuses a body that is missing, or in which nothing is said. */
@Injectable()
export class SaysSomethingPipe<T extends object> implements PipeTransform<T, T> {
  /** @throws MillraceError ValidationError */
  transform(body: T): T {
    if (Object.values(body).some((value) => value !== undefined)) return body;
    throw validationError('The body says nothing.', {
      suggestions: ['Send JSON that names what is to be set; /api/docs shows every field.'],
    });
  }
}
