import { Module } from '@nestjs/common';
import { RotationModule } from '../rotation/rotation.module.js';
import { SecretsController } from './secrets.controller.js';

/** Secrets with their routes, and the keys that seal them: for the API only. */
@Module({ imports: [RotationModule], controllers: [SecretsController] })
export class SecretsApiModule {}
