import {
  Module,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { WorkersWorkerModule } from '../workers/workers.worker.module.js';
import { ExecutionRunner } from './attempt/execution-runner.js';
import { ExecutionsProcessor } from './attempt/executions.processor.js';
import { RunningAttempts } from './attempt/running-attempts.js';
import { ExecutionsModule } from './executions.module.js';

/** Executions as a worker has them: it takes jobs once everything is up, and drains before anything is closed. */
@Module({
  imports: [ExecutionsModule, WorkersWorkerModule],
  providers: [ExecutionsProcessor, ExecutionRunner, RunningAttempts],
})
export class ExecutionsWorkerModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly processor: ExecutionsProcessor) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.processor.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.processor.stop();
  }
}
