import { Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { Audited, type AuditFacts } from '../../common/audit/audited.decorator.js';
import { ApiErrors } from '../../common/http/api-documentation.js';
import { EncryptionKeysResponse, encryptionKeysResponse } from './key.response.js';
import { KeyRotation, keySeals, keysElsewhere } from './key-rotation.js';
import { notFound } from '../../common/errors/millrace.error.js';

@ApiTags('secrets')
@ApiBearerAuth()
@Controller('encryption-keys')
export class KeysController {
  constructor(private readonly rotation: KeyRotation) {}

  @Get()
  @Requires('encryption_keys:read')
  @ApiOperation({ summary: 'Ids of the keys by which what is stored is encrypted' })
  @ApiOkResponse({ type: EncryptionKeysResponse })
  @ApiErrors(401, 503)
  async list(): Promise<EncryptionKeysResponse> {
    return encryptionKeysResponse(await this.rotation.list());
  }

  @Post()
  @Requires('encryption_keys:write')
  @Audited('encryption_keys.rotate', 'encryption_key')
  @ApiOperation({
    summary: 'Encrypt by a new key from now on',
    description:
      'What is stored is encrypted by it behind this, also after a restart. The file `encryption-keys` of the data folder belongs into the backup again. Keys of ENCRYPTION_KEYS are changed there.',
  })
  @ApiCreatedResponse({ type: EncryptionKeysResponse })
  @ApiErrors(401, keysElsewhere(), 503)
  async rotate(): Promise<EncryptionKeysResponse> {
    return encryptionKeysResponse(await this.rotation.rotate());
  }

  @Delete(':key')
  @Requires('encryption_keys:write')
  @Audited('encryption_keys.drop', 'encryption_key', {
    id: ({ param }: AuditFacts) => param('key'),
  })
  @HttpCode(204)
  @ApiOperation({ summary: 'Drop a key by which nothing is encrypted any more' })
  @ApiParam({ name: 'key', example: 'k-3f9a01bc' })
  @ApiNoContentResponse()
  @ApiErrors(401, notFound('encryption key', 'k-3f9a01bc'), keySeals('k-3f9a01bc'), 503)
  async drop(@Param('key') id: string): Promise<void> {
    await this.rotation.drop(id);
  }
}
