import { Injectable, type PipeTransform } from '@nestjs/common';
import { validationError } from '../../common/errors/millrace.error.js';
import { isServiceName } from '../../engine/steps/deploy/service-name.js';

/** Takes a path parameter that must be the name of an environment. */
@Injectable()
export class EnvironmentNamePipe implements PipeTransform<string, string> {
  transform(value: string): string {
    if (isServiceName(value)) return value;
    const message = 'name must be at most 63 small letters, digits and hyphens';
    throw validationError('That is no name of an environment.', {
      details: [{ path: 'name', code: 'isServiceName', message }],
      suggestions: ['Use at most 63 small letters, digits and hyphens, as in production'],
    });
  }
}
