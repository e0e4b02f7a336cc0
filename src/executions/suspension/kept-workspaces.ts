import { ExecutionPart, type RemovedExecution } from '../../common/retention/execution-part.js';
import { objectKey, type ObjectKey } from '../../integrations/object-store/object-key.js';
import type { ObjectStore } from '../../integrations/object-store/object-store.js';

/** Of all objects that are kept workspaces; the next segments are execution, attempt and folder. */
const OBJECTS = 'workspaces';

export function keptFolder(executionId: string, attempt: number, folder: string): ObjectKey {
  return objectKey(OBJECTS, executionId, String(attempt), folder);
}

/** The workspaces that are kept while executions wait; an execution that is over keeps none. */
export class KeptWorkspaces extends ExecutionPart {
  readonly name = 'workspaces';

  constructor(private readonly objects: ObjectStore) {
    super();
  }

  /**
   * Removes those of an execution; with `before` only those of earlier attempts: whoever removes
   * late takes nothing from a later one. Idempotent.
   */
  async removeOf(executionId: string, before = Infinity): Promise<void> {
    for await (const keys of this.objects.list(objectKey(OBJECTS, executionId))) {
      for (const key of keys) {
        if (Number(key.split('/')[2]) < before) await this.objects.delete(key);
      }
    }
  }

  async remove(executions: readonly RemovedExecution[]): Promise<void> {
    for (const { id } of executions) await this.removeOf(id);
  }

  async firstExecution(before: string): Promise<string | undefined> {
    for await (const [first] of this.objects.list(objectKey(OBJECTS))) {
      const id = first?.split('/')[1];
      return id !== undefined && id < before ? id : undefined;
    }
    return undefined;
  }
}
