import { Injectable, type PipeTransform } from '@nestjs/common';
import { validationError } from '../common/errors/millrace.error.js';
import { isUuid } from '../common/ids/uuid.js';
import { isServiceName } from '../engine/steps/deploy/service-name.js';
import type { ServiceName } from './services.service.js';

/** Takes the UUID of a service, or `environment/name` (in a path: `environment%2Fname`). */
@Injectable()
export class ServiceIdPipe implements PipeTransform<string, ServiceName> {
  transform(value: string): ServiceName {
    if (isUuid(value)) return { uuid: value.toLowerCase() };
    const [environment = '', name = '', ...more] = value.split('/');
    if (more.length === 0 && isServiceName(environment) && isServiceName(name)) {
      return { environment, name };
    }
    throw validationError('id names no service.', {
      details: [
        { path: 'id', code: 'service', message: 'id must be a UUID or environment%2Fname' },
      ],
      suggestions: ['Take the id from the list of services, or write default%2Fshop.'],
    });
  }
}
