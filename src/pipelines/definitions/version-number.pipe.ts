import { Injectable, type PipeTransform } from '@nestjs/common';
import { validationError } from '../../common/errors/millrace.error.js';

/** Takes the number of a version: from 1. */
@Injectable()
export class VersionNumberPipe implements PipeTransform<string, number> {
  transform(value: string): number {
    if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
    throw validationError('version is not the number of a version.', {
      suggestions: ['Take a number from the list of versions; they count from 1.'],
    });
  }
}
