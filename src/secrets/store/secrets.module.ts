import { Global, Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { SECRET_MODEL, secretSchema } from './secret.schema.js';
import { SecretOwners } from './secret-owners.js';
import { SecretSealing } from './secret-sealing.js';
import { SecretsRepository } from './secrets.repository.js';
import { SecretsService } from './secrets.service.js';

/** The store of secrets without its routes: for the API and the workers. */
@Global()
@Module({
  imports: [MongooseModule.forFeature([{ name: SECRET_MODEL, schema: secretSchema }])],
  providers: [SecretOwners, SecretSealing, SecretsRepository, SecretsService],
  exports: [SecretOwners, SecretsService],
})
export class SecretsModule {}
