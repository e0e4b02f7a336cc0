import { Injectable, type PipeTransform } from '@nestjs/common';
import { validationError } from '../../common/errors/millrace.error.js';

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The name of a channel in a path. */
@Injectable()
export class ChannelNamePipe implements PipeTransform<string, string> {
  transform(value: string): string {
    if (NAME.test(value)) return value;
    const message = 'name must be 1 to 63 small letters, digits and hyphens, such as on-call';
    throw validationError('name is no name of a channel.', {
      details: [{ path: 'name', code: 'name', message }],
    });
  }
}
