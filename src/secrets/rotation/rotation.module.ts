import { Module } from '@nestjs/common';
import { EncryptionStateModule } from './encryption-state.module.js';
import { KeyRotation } from './key-rotation.js';
import { KeysController } from './keys.controller.js';
import { ResealTask } from './reseal-task.js';
import { SealedDocumentsRepository } from './sealed-documents.repository.js';
import { Resealer } from './resealer.js';

/** Brings what is stored to the key that seals now: for the API only. */
@Module({
  imports: [EncryptionStateModule],
  controllers: [KeysController],
  providers: [KeyRotation, Resealer, ResealTask, SealedDocumentsRepository],
})
export class RotationModule {}
