import { sayUrlOrName } from '../../common/values/repository-url.js';
import { draftWith, kindOf } from '../steps/step-kind-registry.js';
import type { StepDefaults, StepTypeDocument } from '../steps/step-kind.js';
import type {
  PipelineDefinition,
  StageDefinition,
  StepDefinition,
  TriggerRule,
} from './definition.js';
import { stepDefaults } from './step-defaults.js';

/** A trigger in the seed's shape. */
export interface TriggerDocument {
  readonly trigger_type: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** A step in the seed's shape. */
export interface StepDocument extends StepTypeDocument {
  readonly name: string;
  readonly condition?: string;
  readonly continue_on_error: boolean;
  /** Seconds. */
  readonly timeout?: number;
  readonly needs?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface StageDocument {
  readonly name: string;
  readonly condition?: string;
  readonly parallel: boolean;
  readonly needs?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly retry_count?: number;
  readonly steps: readonly StepDocument[];
}

/**
 * A pipeline as the API tells it: the seed's data model, whichever form the YAML has. Times are
 * seconds. Plain JSON. Credentials of URLs are `***`.
 */
export interface DefinitionDocument {
  readonly name: string;
  readonly description?: string;
  readonly triggers: readonly TriggerDocument[];
  readonly stages: readonly StageDocument[];
  readonly environment: Readonly<Record<string, string>>;
  readonly timeout: number;
  readonly retry_count: number;
}

export function definitionDocument(definition: PipelineDefinition): DefinitionDocument {
  const document: DefinitionDocument = {
    name: definition.name,
    description: definition.description,
    triggers: definition.triggers.map((rule) => triggerDocument(rule, definition)),
    stages: definition.stages.map((stage) => stageDocument(stage, stepDefaults(definition, stage))),
    environment: definition.environment,
    timeout: definition.timeoutMs / 1000,
    retry_count: definition.retryCount,
  };
  return JSON.parse(JSON.stringify(document)) as DefinitionDocument;
}

function triggerDocument(rule: TriggerRule, { inputs }: PipelineDefinition): TriggerDocument {
  switch (rule.event) {
    case 'manual':
      return { trigger_type: 'manual', config: inputs.length === 0 ? {} : { inputs } };
    case 'push': {
      const { branches, include, exclude, repository } = rule;
      const paths = include.length + exclude.length === 0 ? undefined : { include, exclude };
      const config = { branch_patterns: filled(branches), paths, repository: said(repository) };
      return { trigger_type: 'git_push', config };
    }
    case 'pull_request': {
      const { branches, types, forks, draft, include, exclude, repository } = rule;
      const config = {
        branch_patterns: filled(branches),
        events: types,
        forks,
        draft,
        paths: include.length + exclude.length === 0 ? undefined : { include, exclude },
        repository: said(repository),
      };
      return { trigger_type: 'pull_request', config };
    }
    case 'tag':
      return { trigger_type: 'tag', config: { tag_patterns: rule.patterns } };
    case 'schedule': {
      const { cron, timezone, catchUp } = rule;
      const config = { cron_expression: cron, timezone, catch_up: catchUp };
      return { trigger_type: 'schedule', config };
    }
    case 'webhook':
      return {
        trigger_type: 'webhook',
        config: { webhook_url: said(rule.url), events: filled(rule.events) },
      };
  }
}

function said(text: string | undefined): string | undefined {
  return text === undefined ? undefined : sayUrlOrName(text);
}

function stageDocument(stage: StageDefinition, defaults: StepDefaults): StageDocument {
  return {
    name: stage.name,
    condition: stage.when,
    parallel: stage.parallel !== false,
    needs: stage.needs?.map((need) => need.name),
    environment: nonEmpty(stage.environment),
    timeout: seconds(stage.timeoutMs),
    retry_count: stage.retryCount,
    steps: stage.steps.map((step) => stepDocument(step, defaults)),
  };
}

function stepDocument(step: StepDefinition, defaults: StepDefaults): StepDocument {
  const draft = draftWith(step.action, defaults);
  return {
    name: step.name,
    ...kindOf(draft).document(draft),
    condition: step.when,
    continue_on_error: step.continueOnError,
    timeout: seconds(step.timeoutMs),
    needs: step.needs?.map((need) => need.name),
    environment: nonEmpty(step.environment),
  };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}

function filled<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function nonEmpty<T extends object>(map: T): T | undefined {
  return Object.keys(map).length === 0 ? undefined : map;
}
