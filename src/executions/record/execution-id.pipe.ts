import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { conflict, notFound } from '../../common/errors/millrace.error.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { isUuid } from '../../common/ids/uuid.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { ExecutionsRepository } from './executions.repository.js';

/** `shop#42`, or `<id of the pipeline>#42` where two pipelines have one name. */
const NUMBERED = /^(.{1,200})#([1-9]\d{0,8})$/su;
const SHOWN = 10;

/**
 * Takes a path parameter that names an execution: by its id, or by pipeline and number. Gives the
 * id, as it is stored.
 */
@Injectable()
export class ExecutionIdPipe implements PipeTransform<string, Promise<string>> {
  private readonly uuids = new UuidPipe();

  constructor(
    private readonly pipelines: PipelinesService,
    private readonly executions: ExecutionsRepository,
  ) {}

  /** @throws MillraceError ValidationError, NotFoundError, ConflictError: several are meant */
  async transform(value: string, metadata: ArgumentMetadata): Promise<string> {
    const [, pipeline, digits] = NUMBERED.exec(value) ?? [];
    if (pipeline === undefined) return this.uuids.transform(value, metadata);
    const number = Number(digits);
    const pipelineIds = isUuid(pipeline)
      ? [pipeline.toLowerCase()]
      : await this.pipelines.idsNamed(pipeline, SHOWN);
    const found: string[] = [];
    for (const id of pipelineIds) {
      const execution = await this.executions.idOfNumber(id, number);
      if (execution !== undefined) found.push(execution);
    }
    const [only] = found;
    if (only === undefined) throw notFound('execution', value.slice(0, 220));
    if (found.length > 1) {
      throw conflict(`Several pipelines are named ${pipeline} and have a number ${number}.`, {
        details: { execution_ids: found },
        suggestions: ['Name the execution by its id, or the pipeline by its id: <pipeline id>#42.'],
      });
    }
    return only;
  }
}
