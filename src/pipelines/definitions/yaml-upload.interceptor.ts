import {
  createParamDecorator,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { Observable } from 'rxjs';
import { IDEMPOTENCY_KEY_HEADER } from '../../common/http/idempotency-header.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { readYamlUpload } from './yaml-upload.js';

type UploadRequest = MillraceRequest & { uploadedYaml?: string };

/** Reads the file of an upload before anything else looks at the request. */
@Injectable()
export class YamlUploadInterceptor implements NestInterceptor {
  constructor(private readonly config: MillraceConfig) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<UploadRequest>();
    const yaml = await readYamlUpload(request, this.config.maxUploadSize);
    request.uploadedYaml = yaml;
    if (request.headers[IDEMPOTENCY_KEY_HEADER] !== undefined) {
      // Of the file alone: the boundary around it is another one each time.
      request.bodyDigest = createHash('sha256').update(yaml, 'utf8').digest('hex');
    }
    return next.handle();
  }
}

/** Parameter of a route behind `YamlUploadInterceptor`: the text of the file. */
export const UploadedYaml = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const { uploadedYaml } = context.switchToHttp().getRequest<UploadRequest>();
  if (uploadedYaml === undefined) throw new Error('UploadedYaml is used without its interceptor');
  return uploadedYaml;
});
