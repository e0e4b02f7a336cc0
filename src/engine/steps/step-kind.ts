import { nameRecord, type NameRecord } from '../../common/values/name-record.js';
import type { Scope } from '../expression/scope.js';
import type { TemplatePart } from '../expression/template.js';
import type { CredentialsPlan, Environment, RepositoryPlan, StepAction } from '../plan/plan.js';
import type { Shell } from '../shell/expression-places.js';
import type { KeyGroup } from '../yaml/json-schema.js';
import type { YamlPath } from '../yaml/problem.js';
import type {
  ExpressionUse,
  FieldReaders,
  NameUse,
  ReadContext,
  Reader,
  ReadValue,
} from '../yaml/reader.js';
import type { YamlMap, YamlNode } from '../yaml/yaml-tree.js';
import type { ContainerSettings } from './container/container-settings.js';

/**
 * One kind of step: everything that reading, compiling, dry runs and runs have to know of it, in
 * one place. All of it is pure. What does the work, its `StepHandler`, is registered by the same
 * name where processes and files are (`executions/attempt/steps`).
 */
export interface StepKind<D extends StepDraft = StepDraft, A extends StepAction = StepAction> {
  /** Its name in plans and answers. Stored, so it never changes. */
  readonly kind: A['kind'];
  /** What such a step does, in one line; of the table in docs/pipeline-yaml.md. */
  readonly meaning: string;
  /** How it is written in Millrace's own form; absent = only in that of RustCI. */
  readonly ownForm?: OwnForm<D>;
  /**
   * How it is written as `step_type` with `config`; absent = only in the own form. One type of that
   * form may be two kinds of ours: then the draft is of either.
   */
  readonly rustciForm?: RustciForm<StepDraft>;
  /**
   * The draft that the defaults make of one of any kind: this kind may take it over, or give it to
   * another.
   */
  takesOver?(draft: StepDraft, defaults: StepDefaults): StepDraft;
  /** Absent = such a step is a process of the worker's machine, with the variables of that. */
  readonly runsIn?: 'image';
  /** Whether such a step needs a container engine, beside those that run in an image. */
  needsEngine?(action: A): boolean;
  /**
   * `when_told`: another try needs the step's own `retry`; the `retry_count` of its stage and
   * pipeline says nothing of it. Absent = that counts.
   */
  readonly retries?: 'when_told';
  /** Outputs that such a step sets by itself: nobody has to declare them. */
  readonly outputs?: readonly string[];
  /** Outputs that it sets by what it says itself. */
  setsOutputs?(draft: D): readonly string[];
  /** Secrets that it uses; the step is given them as if its own `secrets` named them. */
  secrets?(draft: D): readonly NameUse[];
  /** The action of the plan. What is stored for one text may never change: plans have hashes. */
  compile(draft: D, defaults: StepDefaults): A;
  /** Expressions in its texts that stand where they must not; absent = they may stand anywhere. */
  misplaced?(
    draft: D,
    defaults: StepDefaults,
    uses: readonly StepExpression[],
  ): Iterable<MisplacedExpression>;
  /**
   * The action with every text evaluated, for one try.
   *
   * @throws TemplateError
   */
  prepare(action: A, scope: Scope): PreparedAction<A>;
  /** Variables that such a step finds in its environment besides those of every step. */
  variables?(action: A): Readonly<Record<string, string>>;
  /** True: such a step is there for the files that it leaves to later ones. */
  readonly fillsWorkspace?: boolean;
  /** URLs of it that may hold credentials: none of these may show. */
  credentialUrls?(action: A): readonly string[];
  /** Names of the secrets that it clones with. */
  credentials?(action: A): CredentialsPlan | undefined;
  /** What answers tell of it. Texts are not masked. */
  view(action: A): StepView;
  /** What the API tells of it as a part of a definition: the data model of RustCI. */
  document(draft: D): StepTypeDocument;
}

/** What a step does as it is read from the file: checked, but without the pipeline's defaults. */
export interface StepDraft {
  readonly kind: string;
}

/** A key of the own form of a kind, with its row in the table of docs/pipeline-yaml.md. */
export interface StepKey<T = unknown> {
  readonly reader: Reader<T>;
  /** What it takes. */
  readonly value: string;
  readonly default: string;
  readonly meaning: string;
}

export type StepKeys = Readonly<Record<string, StepKey>>;

/** The readers of keys, for a map that has them beside others. */
export function readersOf<K extends StepKeys>(
  keys: K,
): { readonly [N in keyof K]: K[N]['reader'] } {
  const readers = Object.entries(keys).map(([name, { reader }]) => [name, reader] as const);
  return { ...nameRecord(readers) } as { readonly [N in keyof K]: K[N]['reader'] };
}

/** What the keys mean, for the table of such a map. */
export function meaningsOf(keys: StepKeys): Readonly<Record<string, string>> {
  return nameRecord(Object.entries(keys).map(([name, { meaning }]) => [name, meaning] as const));
}

export type KeyValues<K extends StepKeys> = {
  readonly [N in keyof K]?: ReadValue<K[N]['reader']>;
};

export interface OwnForm<D extends StepDraft, V = Readonly<Record<string, unknown>>> {
  /** A key that another kind has too must be the same key there. */
  readonly keys: StepKeys;
  /** Those of `keys` that make a step one of this kind, and of no other. */
  readonly begunBy: readonly string[];
  /** Those of `keys` that make a step one of this kind, whichever kind another key begins. */
  readonly claims?: readonly string[];
  /** `values` are what the readers of `keys` made of the step. */
  read(values: V, step: StepText, context: ReadContext): D;
}

/** An own form whose `read` knows the types of its keys. */
export function ownForm<D extends StepDraft, K extends StepKeys>(
  form: OwnForm<D, KeyValues<K>> & { readonly keys: K },
): OwnForm<D> {
  return {
    ...form,
    read: (values, step, context) => form.read(values as KeyValues<K>, step, context),
  };
}

/** Where a step stands in the file. */
export interface StepText {
  readonly node: YamlMap;
  readonly path: YamlPath;
}

export interface RustciForm<D extends StepDraft> {
  /** Values of `step_type`; the first is the usual one. */
  readonly types: readonly [string, ...string[]];
  /** What people write instead of these. */
  readonly habits?: Readonly<Record<string, string>>;
  /** The `config` of such a step, in one line, for who left it out. */
  readonly configHint: string;
  /** The keys of `config`, as `fields` takes them; for the documentation. */
  readonly config: ConfigTable;
  /** Undefined: `config` could not be read, and the problems were reported. */
  read(
    node: YamlNode,
    path: YamlPath,
    context: ReadContext,
    step: RustciStepText,
  ): RustciStep<D> | undefined;
}

/** What such a step says beside its `config`. */
export interface RustciStepText extends StepText {
  /** Absent = it could not be read. */
  readonly name?: string;
  readonly environment?: Environment;
}

interface ConfigTable {
  readonly name: string;
  readonly fields: FieldReaders;
  readonly required?: readonly string[];
  readonly groups?: readonly KeyGroup[];
  readonly later?: Readonly<Record<string, string>>;
  readonly habits?: Readonly<Record<string, string>>;
}

export interface RustciStep<D extends StepDraft> {
  readonly draft: D;
  /** Of its `config`. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a pipeline says for all of its steps. */
export interface StepDefaults {
  readonly shell: Shell;
  readonly separateStreams: boolean;
  readonly container: ContainerSettings;
  /** Folders in front of `PATH`, the nearest place first. */
  readonly path: readonly string[];
  /** Variables of the pipeline and of the stage. */
  readonly environment: Environment;
  /** Name of the pipeline. */
  readonly pipeline: string;
}

/** An expression in a text of a step; `keys` lead to it from the step: `['run', 2]`. */
export interface StepExpression {
  readonly use: ExpressionUse;
  readonly keys: YamlPath;
}

export interface MisplacedExpression {
  readonly use: ExpressionUse;
  readonly part: Extract<TemplatePart, { kind: 'expression' }>;
  readonly message: string;
  readonly suggestion: string;
}

export interface PreparedAction<A extends StepAction = StepAction> {
  readonly action: A;
  /** Variables that the action refers to, beside the environment of the step. */
  readonly variables: NameRecord<string>;
}

export interface StepView {
  /** What it does, in one line. */
  readonly summary: string;
  readonly commands?: readonly string[];
  /** It runs in a container of it; template. */
  readonly image?: string;
  readonly repository?: RepositoryPlan;
  /** Inside of the workspace. */
  readonly directory?: string;
}

export interface StepTypeDocument {
  readonly step_type: string;
  readonly config: Readonly<Record<string, unknown>>;
}
