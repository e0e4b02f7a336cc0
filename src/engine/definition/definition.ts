import type { ArtifactsPlan, ArtifactsSource } from '../plan/artifacts-plan.js';
import type { InputDefinition } from '../plan/input-definition.js';
import type { CachePlan } from '../plan/caches-plan.js';
import type { ReportsPlan } from '../plan/reports-plan.js';
import type { Environment, RegistryPlan, RepositoryPlan, RetryPlan } from '../plan/plan.js';
import type { ReadyPlan } from '../plan/sidecar-plan.js';
import type { ExpressionUse, NameUse } from '../yaml/reader.js';
import type { Shell } from '../shell/expression-places.js';
import type { ContainerSettings } from '../steps/container/container-settings.js';
import type { StepDraft } from '../steps/step-kind.js';
import type { SourceText } from '../yaml/source-text.js';

/**
 * A pipeline file, read and checked, in both forms of YAML the same. The compiler makes a plan of
 * it.
 */
export interface PipelineDefinition {
  readonly name: string;
  readonly description?: string;
  readonly repository?: RepositoryPlan;
  readonly triggers: readonly TriggerRule[];
  /** Of the `manual` rule. */
  readonly inputs: readonly InputDefinition[];
  readonly environment: Environment;
  readonly secrets: readonly NameUse[];
  readonly registries: readonly RegistryPlan[];
  readonly sidecars: readonly SidecarDefinition[];
  readonly timeoutMs: number;
  readonly retryCount: number;
  readonly resume: boolean;
  readonly supersede: 'all' | 'waiting' | undefined;
  readonly runsOn: readonly string[];
  readonly shell: Shell;
  /** Default of the steps that do not say. */
  readonly separateStreams: boolean;
  /** Of the containers of all steps; here and at a stage. */
  readonly container: ContainerSettings;
  /** Folders in front of the `PATH` of all steps; here and at a stage. */
  readonly path: readonly string[];
  readonly stages: readonly StageDefinition[];
  readonly onFailure: readonly StepDefinition[];
  readonly always: readonly StepDefinition[];
  /** Every text with expressions: the compiler checks what they refer to. */
  readonly expressions: readonly ExpressionUse[];
  readonly source: SourceText;
}

export interface StageDefinition {
  readonly name: string;
  readonly place: NameUse;
  /** Absent = not written: every stage above. */
  readonly needs?: readonly NameUse[];
  readonly when?: string;
  readonly environment: Environment;
  readonly secrets: readonly NameUse[];
  readonly timeoutMs?: number;
  /** A number = at most so many at once. */
  readonly parallel: boolean | number;
  /** The default of its steps. */
  readonly retryCount?: number;
  readonly container: ContainerSettings;
  readonly path: readonly string[];
  readonly sidecars: readonly SidecarDefinition[];
  readonly steps: readonly StepDefinition[];
}

/** A container beside the steps. */
export interface SidecarDefinition {
  readonly name: string;
  readonly place: NameUse;
  /** Other sidecars of the same place, or of the pipeline. */
  readonly needs: readonly NameUse[];
  readonly environment: Environment;
  readonly secrets: readonly NameUse[];
  readonly ports: readonly number[];
  readonly command?: readonly string[];
  readonly ready?: ReadyPlan;
  readonly container: ContainerSettings & { readonly image: string };
}

export interface StepDefinition {
  /** `step-<n>` when it was not written. */
  readonly name: string;
  readonly place: NameUse;
  /** Absent = not written. */
  readonly needs?: readonly NameUse[];
  readonly when?: string;
  readonly action: StepDraft;
  readonly environment: Environment;
  readonly secrets: readonly NameUse[];
  readonly continueOnError: boolean;
  readonly timeoutMs?: number;
  /** Absent = the `retry_count` of its stage or pipeline. */
  readonly retry?: RetryPlan;
  readonly outputs: readonly string[];
  readonly caches?: readonly CachePlan[];
  readonly artifacts?: ArtifactsPlan;
  readonly artifactsFrom?: readonly ArtifactsSource[];
  readonly reports?: ReportsPlan;
}

/**
 * When a pipeline may start. Rules of events that no part of this version serves are kept and
 * warned of.
 */
export type TriggerRule =
  | { readonly event: 'manual' }
  | {
      readonly event: 'push';
      readonly branches: readonly string[];
      readonly include: readonly string[];
      readonly exclude: readonly string[];
      readonly repository?: string;
    }
  | {
      readonly event: 'pull_request';
      readonly branches: readonly string[];
      readonly types: readonly string[];
      /** Absent: as the connection of the repository says. */
      readonly forks?: 'never' | 'approval' | 'run';
      /** False: not for drafts. */
      readonly draft?: boolean;
      readonly include: readonly string[];
      readonly exclude: readonly string[];
      readonly repository?: string;
    }
  | { readonly event: 'tag'; readonly patterns: readonly string[] }
  | {
      readonly event: 'schedule';
      readonly cron: string;
      readonly timezone: string;
      /** False: a tick that was missed is not made up for. Absent = true. */
      readonly catchUp?: boolean;
    }
  | { readonly event: 'webhook'; readonly url?: string; readonly events: readonly string[] };
