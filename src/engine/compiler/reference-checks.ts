import type { PipelineDefinition, StepDefinition } from '../definition/definition.js';
import { offsetInText } from '../yaml/expression-readers.js';
import { quoted } from '../../common/values/redact-urls.js';
import { isServiceName } from '../steps/deploy/service-name.js';
import { foreignVariableHint, isForeignVariable, variableHere } from '../yaml/foreign-variables.js';
import { formatPath } from '../yaml/problem.js';
import type { ExpressionUse } from '../yaml/reader.js';
import type { ExpressionRoot } from '../expression/expression.js';
import { parseExpression } from '../expression/expression-parser.js';
import {
  expressionReferences,
  templateReferences,
  type Reference,
  type References,
} from '../expression/expression-references.js';
import { nearestName } from '../expression/nearest-name.js';
import { findStep } from '../expression/scope.js';
import { parseTemplate } from '../expression/template.js';
import { reachableFrom } from '../plan/dependency-graph.js';
import { stageNeeds, stepNeeds } from './needs.js';
import type { ProblemSink } from './problem-sink.js';

/** Properties that exist; others are null for ever, so they are warned of. */
const PROPERTIES: Readonly<Partial<Record<ExpressionRoot, readonly string[]>>> = {
  trigger: [
    'event',
    'branch',
    'commit',
    'tag',
    'message',
    'author',
    'actor',
    'repository',
    'rerun_of',
    'repository_name',
    'default_branch',
    'before',
    'number',
    'title',
    'base',
    'head',
    'fork',
    'payload',
  ],
  pipeline: ['id', 'name'],
};
/** What other systems call them. */
const PROPERTY_HABITS: ReadonlyMap<string, string> = new Map([
  ...['sha', 'commit_sha', 'revision', 'after'].map((name) => [name, 'commit'] as const),
  ...['ref', 'ref_name', 'commit_branch'].map((name) => [name, 'branch'] as const),
  ...['head_ref', 'source_branch'].map((name) => [name, 'head'] as const),
  ...['base_ref', 'target_branch'].map((name) => [name, 'base'] as const),
  ['event_name', 'event'],
  ['user', 'actor'],
  ['sender', 'actor'],
  ['pr_number', 'number'],
]);
const STEP_PROPERTIES = ['status', 'outputs', 'exit_code'];
const SERVICE_PROPERTIES = ['url', 'host', 'port'];
const STAGE_PROPERTIES = ['status', 'steps'];

interface Owner {
  /** Absent for hooks and the pipeline's own texts. */
  readonly stage?: string;
  readonly step?: string;
  readonly isHook: boolean;
}

/**
 * What expressions refer to: steps, stages, outputs and inputs must exist, and be over before they
 * are read.
 */
export function checkReferences(definition: PipelineDefinition, sink: ProblemSink): void {
  const checks = new ReferenceChecks(definition, sink);
  for (const use of definition.expressions) checks.check(use);
}

class ReferenceChecks {
  private readonly owners = new Map<string, Owner>();
  private readonly stageOrder: ReadonlyMap<string, readonly string[]>;
  private readonly before = new Map<string, ReadonlySet<string>>();

  constructor(
    private readonly definition: PipelineDefinition,
    private readonly sink: ProblemSink,
  ) {
    this.stageOrder = stageNeeds(definition.stages);
    for (const stage of definition.stages) {
      this.owners.set(formatPath(stage.place.path), { stage: stage.name, isHook: false });
      for (const step of stage.steps) {
        const owner = { stage: stage.name, step: step.name, isHook: false };
        this.owners.set(ownerPath(step), owner);
      }
    }
    for (const hook of ['on_failure', 'always']) this.owners.set(hook, { isHook: true });
  }

  check(use: ExpressionUse): void {
    const owner = this.ownerOf(use);
    const { references, functions } = referencesOf(use);
    if (functions.has('hashFiles')) this.laterFunction('hashFiles', use);
    for (const reference of references) {
      const offset = offsetInText(this.definition, use.node, reference.offset + (use.skipped ?? 0));
      const place = { path: use.path, offset };
      if (reference.root === 'services') this.service(reference, use, place, owner);
      else this.checkOne(reference, place, owner);
    }
  }

  /**
   * No part of this version reads the workspace while it evaluates: refused here rather than
   * failing in the run.
   */
  private laterFunction(name: string, use: ExpressionUse): void {
    const index = use.text.indexOf(name) + (use.skipped ?? 0);
    const place = { path: use.path, offset: offsetInText(this.definition, use.node, index) };
    const message = `${name}() is not supported yet.`;
    const hint =
      'A cache names the files of its key: cache: { paths: …, key: { files: [package-lock.json] } }. Elsewhere compute it in a step: sha256sum …';
    this.sink.error('not_yet_supported', message, place, hint);
  }

  private checkOne(reference: Reference, place: Place, owner: Owner): void {
    const [first, second, third, ...rest] = reference.path;
    if (first === undefined) return;
    if (reference.root === 'steps') {
      this.step(first, [second, third], place, owner);
    } else if (reference.root === 'stages') {
      this.stage(first, [second, third, ...rest], place, owner);
    } else if (reference.root === 'inputs') {
      const names = this.definition.inputs.map((input) => input.name);
      if (!names.includes(first)) this.unknown('unknown_input', 'input', first, names, place);
    } else if (reference.root === 'matrix') {
      const message = 'There is no matrix here: "matrix" is always empty.';
      this.sink.error('not_yet_supported', message, place, 'Remove it until the matrix comes');
    } else if (reference.root === 'env') {
      this.variable(first, place);
    } else {
      this.property(reference.root, first, PROPERTIES[reference.root], place);
    }
  }

  /** Only what nobody can set is certain: names with `CI_`. */
  private variable(name: string, place: Place): void {
    if (!name.startsWith('CI_') || !isForeignVariable(name)) return;
    const here = variableHere(name);
    const hint = here === undefined ? foreignVariableHint(name) : `Write env.${here}`;
    const message = `Millrace sets no variable ${name}: it is empty.`;
    this.sink.warn('unknown_variable', message, place, hint);
  }

  /** Addresses are known when a step starts, and to its own texts only. */
  private service(
    { path: [name, property] }: Reference,
    { kind, path }: ExpressionUse,
    place: Place,
    owner: Owner,
  ): void {
    const isStep = owner.step !== undefined || (owner.isHook && path.length > 2);
    if (kind === 'when' || !isStep) {
      const where = kind === 'when' ? 'in "when"' : 'outside of steps';
      const message = `The address of a service is not known ${where}.`;
      const hint =
        'Write it into a text of a step: environment: { URL: "${{ services.shop.url }}" }';
      this.sink.error('service_not_here', message, place, hint);
      return;
    }
    if (name === undefined) return;
    const parts = name.split('/');
    if (parts.length > 2 || !parts.every(isServiceName)) {
      const message = `"${quoted(name, 130)}" is not the name of a service.`;
      const hint = "Write services.shop, services['shop-api'] or services['production/shop']";
      this.sink.error('invalid_name', message, place, hint);
      return;
    }
    const sidecars = [this.definition, ...this.definition.stages].flatMap((one) => one.sidecars);
    if (sidecars.some((sidecar) => sidecar.name === name)) {
      const message = `"${name}" is a sidecar here, and "services" are what is deployed or registered.`;
      const variable = `CI_SIDECAR_${name.toUpperCase().replaceAll('-', '_')}_HOST`;
      this.sink.warn('sidecar_is_no_service', message, place, `For the sidecar use "$${variable}"`);
    }
    if (property === undefined) {
      const message = 'A service has several values: url, host, port.';
      this.sink.error('incomplete_reference', message, place, `Write services['${name}'].url`);
      return;
    }
    this.property('a service', property, SERVICE_PROPERTIES, place);
  }

  private step(
    name: string,
    [property, output]: readonly (string | undefined)[],
    place: Place,
    owner: Owner,
  ): void {
    const found = findStep(this.definition.stages, owner.stage, name);
    if (found.kind === 'unknown') {
      const names = this.definition.stages.flatMap((stage) => stage.steps.map((step) => step.name));
      this.unknown('unknown_step', 'step', name, names, place);
      return;
    }
    if (found.kind === 'ambiguous') {
      const message = `Several stages have a step "${name}": ${found.stages.join(', ')}.`;
      const stage = found.stages[0] ?? '';
      const hint = `Write stages['${stage}'].steps['${name}']`;
      this.sink.error('ambiguous_step', message, place, hint);
      return;
    }
    this.stepPart(found.stage, found.step, [property, output], place, owner);
  }

  private stage(
    name: string,
    [property, step, ...rest]: readonly (string | undefined)[],
    place: Place,
    owner: Owner,
  ): void {
    const stage = this.definition.stages.find((one) => one.name === name);
    if (stage === undefined) {
      const names = this.definition.stages.map((one) => one.name);
      this.unknown('unknown_stage', 'stage', name, names, place);
      return;
    }
    this.property('a stage', property, STAGE_PROPERTIES, place);
    if (property !== 'steps' || step === undefined) {
      if (!owner.isHook) this.order(name, undefined, place, owner);
      return;
    }
    const names = stage.steps.map((one) => one.name);
    if (!names.includes(step)) this.unknown('unknown_step', 'step', step, names, place);
    else this.stepPart(name, step, rest, place, owner);
  }

  private stepPart(
    stageName: string,
    stepName: string,
    [property, output]: readonly (string | undefined)[],
    place: Place,
    owner: Owner,
  ): void {
    this.property('a step', property, STEP_PROPERTIES, place);
    if (property === 'outputs' && output !== undefined) {
      const stage = this.definition.stages.find((one) => one.name === stageName);
      const outputs = stage?.steps.find((one) => one.name === stepName)?.outputs ?? [];
      if (!outputs.includes(output)) {
        const near = nearestName(output, outputs);
        const hint =
          near === undefined ? `Add outputs: [${output}] to the step` : `Did you mean "${near}"?`;
        const message = `The step "${stepName}" declares no output "${output}".`;
        this.sink.error('unknown_output', message, place, hint);
      }
    }
    if (!owner.isHook) this.order(stageName, stepName, place, owner);
  }

  /** A reference to what is not over by then reads null or half a truth: a warning. */
  private order(stage: string, step: string | undefined, place: Place, owner: Owner): void {
    if (owner.stage === undefined) return;
    if (owner.stage === stage) {
      const own = this.definition.stages.find((one) => one.name === stage);
      if (step === undefined || own === undefined) return;
      if (owner.step !== undefined && this.reaches(stage, owner.step, step)) return;
      const target = `the step "${step}"`;
      this.tooEarly(target, step, place);
      return;
    }
    if (this.stagesBefore(owner.stage).has(stage)) return;
    this.tooEarly(`the stage "${stage}"`, stage, place);
  }

  private reaches(stage: string, from: string, to: string): boolean {
    const key = `${stage}\n${from}`;
    const own = this.definition.stages.find((one) => one.name === stage);
    const known = this.before.get(key) ?? (own && reachableFrom(from, stepNeeds(own)));
    if (known === undefined) return false;
    this.before.set(key, known);
    return known.has(to);
  }

  private stagesBefore(stage: string): ReadonlySet<string> {
    const known = this.before.get(stage) ?? reachableFrom(stage, this.stageOrder);
    this.before.set(stage, known);
    return known;
  }

  private tooEarly(what: string, name: string, place: Place): void {
    const message = `Nothing here waits for ${what}: its status and outputs may not be known.`;
    this.sink.warn('not_waited_for', message, place, `Add needs: [${name}]`);
  }

  private property(
    of: string,
    name: string | undefined,
    known: readonly string[] | undefined,
    place: Place,
  ): void {
    if (known === undefined || name === undefined || known.includes(name)) return;
    const habit = of === 'trigger' ? PROPERTY_HABITS.get(name) : undefined;
    const near = habit ?? nearestName(name, known);
    const hint = near === undefined ? `Known: ${known.join(', ')}` : `Did you mean "${near}"?`;
    const message = `${of} has no "${name}": it is always empty.`;
    this.sink.warn('unknown_property', message, place, hint);
  }

  private unknown(
    code: string,
    kind: string,
    name: string,
    known: readonly string[],
    place: Place,
  ): void {
    const near = nearestName(name, known);
    const list = known.slice(0, 10).join(', ');
    const fallback = list === '' ? `There is no ${kind}` : `Known: ${list}`;
    const hint = near === undefined ? fallback : `Did you mean "${near}"?`;
    this.sink.error(code, `There is no ${kind} "${name}".`, place, hint);
  }

  private ownerOf({ path }: ExpressionUse): Owner {
    for (const length of [4, 2, 1]) {
      const owner = this.owners.get(formatPath(path.slice(0, length)));
      if (owner !== undefined) return owner;
    }
    return { isHook: false };
  }
}

interface Place {
  readonly path: ExpressionUse['path'];
  readonly offset: number;
}

/** The path of the step itself: a written name stands one deeper. */
function ownerPath({ place }: StepDefinition): string {
  const { path } = place;
  return formatPath(path.at(-1) === 'name' ? path.slice(0, -1) : path);
}

function referencesOf(use: ExpressionUse): Pick<References, 'references' | 'functions'> {
  if (use.kind === 'when') {
    const parsed = parseExpression(use.text);
    if (parsed.ok) return expressionReferences(parsed.expression);
  } else {
    const parsed = parseTemplate(use.text);
    if (parsed.ok) return templateReferences(parsed.template);
  }
  return { references: [], functions: new Set() };
}
