import { Module } from '@nestjs/common';
import { RepositoriesController } from './repositories.controller.js';
import { RepositoriesModule } from './repositories.module.js';

/** Connected repositories with their routes: for the API only. */
@Module({ imports: [RepositoriesModule], controllers: [RepositoriesController] })
export class RepositoriesApiModule {}
