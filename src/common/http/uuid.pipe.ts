import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { validationError, type MillraceError } from '../errors/millrace.error.js';
import { isUuid } from '../ids/uuid.js';

/** Takes a path parameter that must be a UUID; gives it in lower case, as it is stored. */
@Injectable()
export class UuidPipe implements PipeTransform<string, string> {
  transform(value: string, metadata: ArgumentMetadata): string {
    if (isUuid(value)) return value.toLowerCase();
    throw notUuid(metadata.data ?? 'id');
  }
}

/** 400: the parameter of the path is no id. */
export function notUuid(name: string): MillraceError {
  return validationError(`${name} is not a UUID.`, {
    details: [{ path: name, code: 'isUuid', message: `${name} must be a UUID` }],
    suggestions: ['Take the id from the answer that created it, or from a list.'],
  });
}
