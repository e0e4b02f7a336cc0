import { Injectable } from '@nestjs/common';
import type { ExecutionPart } from './execution-part.js';

/**
 * Where features of every level leave what retention removes with an execution, in `onModuleInit`.
 */
@Injectable()
export class ExecutionParts {
  private readonly byName = new Map<string, ExecutionPart>();

  register(part: ExecutionPart): void {
    if (this.byName.has(part.name))
      throw new Error(`two parts of executions are named ${part.name}`);
    this.byName.set(part.name, part);
  }

  /** In the order in which they were registered. */
  get all(): readonly ExecutionPart[] {
    return [...this.byName.values()];
  }
}
