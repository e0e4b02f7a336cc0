/**
 * What an expression may read. Plain data and pure functions; the runtime gives one per stage, step
 * and hook.
 *
 * The data roots are read by own properties only and must be plain JSON (`undefined` reads as
 * null); a class instance's methods and prototypes cannot be reached.
 */
export interface Scope {
  /** The plan's `TriggerContext`. */
  readonly trigger: object;
  /**
   * Variables merged so far: of the pipeline for a stage's `when`, of the step for a step's texts.
   */
  readonly env: object;
  readonly inputs: object;
  readonly matrix: object;
  /** `id`, `name`. */
  readonly pipeline: object;
  /** A step by the name that an expression uses; by the rule of `findStep`. Must not throw. */
  readonly steps: (name: string) => StepLookup;
  /** A stage by its name. Must not throw. */
  readonly stages: (name: string) => StageView | undefined;
  /**
   * A service by the name that an expression uses: `shop`, `production/shop`. Must not throw.
   * Absent: none is known here, as in `when`.
   */
  readonly services?: (name: string) => ServiceLookup;
  readonly status: StatusFunctions;
  /** Digest over the files that match, relative to the workspace; `''` when none does. */
  readonly hashFiles?: (patterns: readonly string[]) => string;
}

/** What an expression sees of a service: `services.shop.url`. */
export interface ServiceView {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

export type ServiceLookup =
  | { readonly kind: 'found'; readonly service: ServiceView }
  | { readonly kind: 'unavailable'; readonly message: string }
  /** It is asked for, and known when the text is evaluated again. */
  | { readonly kind: 'pending' };

/**
 * What the functions of the same names answer, over everything that the stage or step needs,
 * transitively.
 */
export interface StatusFunctions {
  success(): boolean;
  failure(): boolean;
  always(): true;
  cancelled(): boolean;
}

/**
 * What an expression sees of a step: `steps.x.status`, `steps.x.outputs.y`, `steps.x.exit_code`.
 */
export interface StepView {
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly exit_code?: number;
}

/** What an expression sees of a stage: `stages.s.status`, `stages.s.steps.x…`. */
export interface StageView {
  readonly status: string;
  readonly steps: (name: string) => StepView | undefined;
}

export type StepLookup =
  | { readonly kind: 'found'; readonly step: StepView }
  | { readonly kind: 'unknown' }
  /** The name is in several other stages: write `stages.<stage>.steps.<name>`. */
  | { readonly kind: 'ambiguous'; readonly stages: readonly string[] };

interface NamedStage {
  readonly name: string;
  readonly steps: readonly { readonly name: string }[];
}

export type StepPosition =
  | { readonly kind: 'found'; readonly stage: string; readonly step: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ambiguous'; readonly stages: readonly string[] };

/**
 * Which step `steps.<name>` means: the one of the stage that the expression stands in, else the
 * only one of that name in the pipeline (docs/pipeline-yaml.md). `currentStage` is undefined for
 * hooks and for a stage's own `when`.
 */
export function findStep(
  stages: readonly NamedStage[],
  currentStage: string | undefined,
  name: string,
): StepPosition {
  const holders = stages.filter((stage) => stage.steps.some((step) => step.name === name));
  const own = holders.find((stage) => stage.name === currentStage);
  if (own !== undefined) return { kind: 'found', stage: own.name, step: name };
  const [only, ...others] = holders;
  if (only === undefined) return { kind: 'unknown' };
  if (others.length > 0) return { kind: 'ambiguous', stages: holders.map((stage) => stage.name) };
  return { kind: 'found', stage: only.name, step: name };
}
