import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '../../auth/policy/public.decorator.js';
import { schemaDocument } from '../../engine/definition/schema-document.js';

/** Open to anybody: editors ask without a token, and it says nothing of this server. */
@ApiTags('pipelines')
@Public()
@Controller()
export class PipelineSchemaController {
  /** Made for who asks first: a start does not wait for it. */
  private document: Readonly<Record<string, unknown>> | undefined;

  @Get('schema.json')
  @ApiOperation({
    summary: 'JSON Schema of pipeline files, for editors',
    description: 'Draft 7. What fits it may still have mistakes: `validate` tells all of them.',
  })
  @ApiOkResponse({ schema: { type: 'object', additionalProperties: true } })
  schema(): Readonly<Record<string, unknown>> {
    return (this.document ??= schemaDocument());
  }
}
