import { Injectable } from '@nestjs/common';
import type { InputDefinition } from '../../engine/plan/input-definition.js';
import type { DefinitionDocument } from '../../engine/definition/definition-document.js';
import type { DryRun, DryRunSource, DryRunTrigger } from '../compile/dry-run.js';
import { YamlCompiler } from '../compile/yaml-compiler.js';
import { isEnabled } from '../definitions/pipeline.schema.js';
import { PipelinesService } from '../definitions/pipelines.service.js';
import { checkYamlText } from '../definitions/yaml-source.js';
import { PlansService } from '../versions/plans.service.js';

/** Tells what a trigger would do; stores and starts nothing. */
@Injectable()
export class DryRunsService {
  constructor(
    private readonly compiler: YamlCompiler,
    private readonly pipelines: PipelinesService,
    private readonly plans: PlansService,
  ) {}

  /** @throws UnprocessableError when the YAML is too large or too complex */
  async ofYaml(yaml: string, trigger: DryRunTrigger): Promise<DryRun> {
    const source = { kind: 'yaml', yaml: checkYamlText(yaml) } as const;
    return this.compiler.dryRun({ source, trigger });
  }

  /**
   * Of the current version of a stored pipeline, by the plan that its executions have.
   * @throws NotFoundError
   */
  async ofPipeline(id: string, trigger: DryRunTrigger): Promise<DryRun> {
    return this.compiler.dryRun({ source: await this.stored(id), trigger });
  }

  private async stored(id: string): Promise<DryRunSource> {
    const pipeline = await this.pipelines.getHead(id);
    const version = await this.pipelines.getVersionDocument(id, pipeline.version);
    return {
      kind: 'stored',
      pipelineId: id,
      enabled: isEnabled(pipeline),
      plan: await this.plans.get(version.plan_hash),
      planHash: version.plan_hash,
      inputs: JSON.parse(version.inputs) as InputDefinition[],
      triggers: (JSON.parse(version.definition) as DefinitionDocument).triggers,
      problems: version.warnings,
    };
  }
}
