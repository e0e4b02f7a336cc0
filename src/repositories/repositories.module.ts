import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { ForgeModule } from '../integrations/forge/forge.module.js';
import { RepositoriesRepository } from './repositories.repository.js';
import { RepositorySealing } from './repository-sealing.js';
import { RepositoriesService } from './repositories.service.js';
import { REPOSITORY_MODEL, repositorySchema } from './repository.schema.js';

/** Connected repositories without their routes: for the API and the workers. */
@Module({
  imports: [
    MongooseModule.forFeature([{ name: REPOSITORY_MODEL, schema: repositorySchema }]),
    ForgeModule,
  ],
  providers: [RepositoriesRepository, RepositoriesService, RepositorySealing],
  exports: [RepositoriesService],
})
export class RepositoriesModule {}
