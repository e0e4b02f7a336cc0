import {
  createParamDecorator,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { join } from 'node:path';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { serviceUnavailable, type MillraceError } from '../../common/errors/millrace.error.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { ScratchFolders } from '../../common/scratch/scratch-folders.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { receiveProject } from './project-upload.js';

type UploadRequest = MillraceRequest & { uploadedProject?: string };

/** Projects that one process unpacks and looks at, at once. */
const MAX_AT_ONCE = 4;

/** Unpacks the archive of an upload, for as long as the request is at work. */
@Injectable()
export class ProjectUploadInterceptor implements NestInterceptor {
  private atOnce = 0;

  constructor(
    private readonly config: MillraceConfig,
    private readonly scratch: ScratchFolders,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<UploadRequest>();
    return from(this.handle(request, next));
  }

  private async handle(request: UploadRequest, next: CallHandler): Promise<unknown> {
    if (this.atOnce >= MAX_AT_ONCE) throw tooManyArchives();
    this.atOnce += 1;
    try {
      return await this.scratch.use(async (folder) => {
        const root = join(folder, 'tree');
        await receiveProject(request, root, { maxUpload: this.config.maxUploadSize });
        request.uploadedProject = root;
        return lastValueFrom(next.handle() as Observable<unknown>);
      });
    } finally {
      this.atOnce -= 1;
    }
  }
}

/** 503 */
export function tooManyArchives(): MillraceError {
  return serviceUnavailable('Too many archives are being unpacked at once.', {
    details: { code: 'busy' },
    retryAfterSeconds: 2,
  });
}

/** Parameter of a route behind `ProjectUploadInterceptor`: the top of the unpacked project. */
export const UploadedProject = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const { uploadedProject } = context.switchToHttp().getRequest<UploadRequest>();
  if (uploadedProject === undefined) {
    throw new Error('UploadedProject is used without its interceptor');
  }
  return uploadedProject;
});
