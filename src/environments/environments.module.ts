import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { AccountsModule } from '../auth/accounts/accounts.module.js';
import { EnvironmentStore } from './environment-store.js';
import { ENVIRONMENT_MODEL, environmentSchema } from './environment.schema.js';
import { EnvironmentsRepository } from './environments.repository.js';
import { EnvironmentsService } from './environments.service.js';

/** What environments allow, in every role: the API asks it, and the worker that deploys. */
@Module({
  imports: [
    AccountsModule,
    MongooseModule.forFeature([{ name: ENVIRONMENT_MODEL, schema: environmentSchema }]),
  ],
  providers: [{ provide: EnvironmentStore, useClass: EnvironmentsRepository }, EnvironmentsService],
  exports: [EnvironmentsService, AccountsModule],
})
export class EnvironmentsModule {}
