import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { EncryptionStateRepository } from './encryption-state.repository.js';
import { ENCRYPTION_STATE_MODEL, encryptionStateSchema } from './encryption-state.schema.js';
import { KeyCheck } from './key-check.js';

/** Which key has encrypted what is stored: every process checks that it has it. */
@Module({
  imports: [
    MongooseModule.forFeature([{ name: ENCRYPTION_STATE_MODEL, schema: encryptionStateSchema }]),
  ],
  providers: [EncryptionStateRepository, KeyCheck],
  exports: [EncryptionStateRepository],
})
export class EncryptionStateModule {}
