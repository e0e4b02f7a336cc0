import type { PipelineDefinition, StageDefinition } from '../definition/definition.js';
import type { NameUse } from '../yaml/reader.js';

interface Needing {
  readonly name: string;
  readonly needs?: readonly NameUse[];
}

/** Needs of each stage by name, the implicit ones written out: every stage above. */
export function stageNeeds(stages: readonly StageDefinition[]): Map<string, string[]> {
  return needsOf(stages, (index) => stages.slice(0, index));
}

/**
 * Needs of each step of a stage by name, the implicit ones written out: the step above, none in a
 * parallel stage.
 */
export function stepNeeds(stage: StageDefinition): Map<string, string[]> {
  const isSequential = stage.parallel === false;
  return needsOf(stage.steps, (index) =>
    isSequential ? stage.steps.slice(Math.max(0, index - 1), index) : [],
  );
}

/**
 * How many of a stage's steps may run at once; in a sequential stage the needs alone order them.
 */
export function maxParallelOf(stage: StageDefinition): number {
  const steps = Math.max(1, stage.steps.length);
  return typeof stage.parallel === 'number' ? Math.min(stage.parallel, steps) : steps;
}

/** All steps of a definition, hooks included. */
export function countSteps({ stages, onFailure, always }: PipelineDefinition): number {
  const inStages = stages.reduce((total, stage) => total + stage.steps.length, 0);
  return inStages + onFailure.length + always.length;
}

function needsOf<T extends Needing>(
  items: readonly T[],
  implicit: (index: number) => readonly T[],
): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const [index, item] of items.entries()) {
    const written = item.needs?.map((need) => need.name);
    const names = written ?? implicit(index).map((other) => other.name);
    if (!result.has(item.name)) result.set(item.name, [...new Set(names)]);
  }
  return result;
}
