import { AbsentRuntime } from './absent-runtime.js';
import type { ContainerRuntime } from './container-runtime.js';
import { AbsentFolderGiver, type FolderGiver } from './folder-giver.js';
import { AbsentBuilder, type ImageBuilder } from './image-builder.js';

/** By what containers run on an engine. */
export interface EngineParts {
  readonly runtime: ContainerRuntime;
  readonly builder: ImageBuilder;
  readonly giver: FolderGiver;
}

/** Where there is no engine: whatever is asked for, they say why. */
export function absentParts(reason: string): EngineParts {
  return {
    runtime: new AbsentRuntime(reason),
    builder: new AbsentBuilder(reason),
    giver: new AbsentFolderGiver(),
  };
}
