import { ExecutionPart, type RemovedExecution } from '../../common/retention/execution-part.js';
import { objectKey } from '../../integrations/object-store/object-key.js';
import type { ObjectStore } from '../../integrations/object-store/object-store.js';
import { ARTIFACT_OBJECTS } from './artifact-keeper.js';
import type { ArtifactsRepository } from './artifacts.repository.js';

/** The artifacts of an execution, those without a record too. */
export class ArtifactsPart extends ExecutionPart {
  readonly name = 'artifacts';

  constructor(
    private readonly objects: ObjectStore,
    private readonly artifacts: ArtifactsRepository,
  ) {
    super();
  }

  async remove(executions: readonly RemovedExecution[]): Promise<void> {
    for (const { id } of executions) {
      for await (const keys of this.objects.list(objectKey(ARTIFACT_OBJECTS, id))) {
        for (const key of keys) await this.objects.delete(key);
      }
      await this.artifacts.removeExecution(id);
    }
  }

  async firstExecution(before: string): Promise<string | undefined> {
    return this.artifacts.firstExecution(before);
  }
}
