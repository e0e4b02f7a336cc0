import { quoted } from '../../common/values/redact-urls.js';
import type {
  PipelineDefinition,
  StageDefinition,
  StepDefinition,
} from '../definition/definition.js';
import type { ArtifactsSource } from '../plan/artifacts-plan.js';

import { reachableFrom } from '../plan/dependency-graph.js';
import { stageNeeds } from './needs.js';
import type { ProblemSink } from './problem-sink.js';

/**
 * Who takes artifacts of a stage of the same pipeline names one that is there, that is over before,
 * and whose steps keep what is asked for. Hooks run behind all stages.
 */
export function checkArtifactSources(definition: PipelineDefinition, sink: ProblemSink): void {
  new ArtifactChecks(definition, sink).checkAll();
}

class ArtifactChecks {
  private readonly stages: ReadonlyMap<string, StageDefinition>;
  private readonly order: ReadonlyMap<string, readonly string[]>;

  constructor(
    private readonly definition: PipelineDefinition,
    private readonly sink: ProblemSink,
  ) {
    this.stages = new Map(definition.stages.map((stage) => [stage.name, stage]));
    this.order = stageNeeds(definition.stages);
  }

  checkAll(): void {
    const { stages, onFailure, always } = this.definition;
    for (const { name, steps } of stages) for (const step of steps) this.check(step, name);
    for (const hook of [...onFailure, ...always]) this.check(hook, undefined);
  }

  private check(taker: StepDefinition, own: string | undefined): void {
    for (const source of taker.artifactsFrom ?? []) {
      if (source.pipeline !== undefined || source.stage === undefined) continue;
      const stage = this.stages.get(source.stage);
      if (stage === undefined) this.refuseStage(taker, source.stage);
      else {
        this.checkKept(taker, source, stage);
        if (own !== undefined && own !== stage.name) this.checkOrder(taker, own, stage.name);
      }
    }
  }

  private refuseStage({ place }: StepDefinition, stage: string): void {
    const message = `There is no stage "${stage}", whose artifacts "${place.name}" takes.`;
    const names = [...this.stages.keys()].join(', ');
    this.sink.error('unknown_stage', message, place, `Write one of ${names}`);
  }

  private checkOrder({ place }: StepDefinition, own: string, stage: string): void {
    if (reachableFrom(own, this.order).has(stage)) return;
    if (reachableFrom(stage, this.order).has(own)) {
      const message = `The stage "${stage}" runs behind "${own}": its artifacts are never there yet.`;
      this.sink.error('not_waited_for', message, place, `Put "${stage}" before "${own}"`);
      return;
    }
    const message = `Nothing here waits for the stage "${stage}": its artifacts may not be there yet.`;
    this.sink.warn('not_waited_for', message, place, `Add needs: [${stage}]`);
  }

  /** What no step keeps is never there, whatever happens. */
  private checkKept(
    { place }: StepDefinition,
    source: ArtifactsSource,
    stage: StageDefinition,
  ): void {
    const { step, name } = source;
    const steps = stage.steps.filter((one) => step === undefined || one.name === step);
    if (step !== undefined && steps.length === 0) {
      const message = `The stage "${stage.name}" has no step "${quoted(step, 100)}".`;
      const names = stage.steps.map((one) => one.name).join(', ');
      return this.sink.error('unknown_step', message, place, `Write one of ${names}`);
    }
    const kept = steps.flatMap((one) => (one.artifacts ? (one.artifacts.name ?? one.name) : []));
    if (kept.length === 0) {
      const message =
        step === undefined
          ? `No step of the stage "${stage.name}" keeps artifacts.`
          : `The step "${step}" of the stage "${stage.name}" keeps no artifacts.`;
      return this.sink.error('no_artifacts', message, place, 'Add artifacts: <paths> there');
    }
    if (name === undefined || kept.includes(name)) return;
    const message = `The stage "${stage.name}" keeps no artifacts by the name "${quoted(name, 100)}".`;
    this.sink.error('no_artifacts', message, place, `Add name: ${quoted(name, 100)} to them`);
  }
}
