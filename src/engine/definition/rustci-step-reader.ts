import { artifactsFrom } from '../artifacts/artifacts-from-reader.js';
import { caches } from '../caches/cache-settings.js';
import { artifacts } from '../artifacts/artifacts-reader.js';
import { reports } from '../reports/report-settings.js';
import { nameRecord } from '../../common/values/name-record.js';
import { rustciForms } from '../steps/step-kind-registry.js';
import { NO_COMMANDS } from '../steps/shell/command-step.js';
import type { RustciForm, RustciStep, RustciStepText, StepDraft } from '../steps/step-kind.js';
import {
  continueOnError,
  needs,
  outputs,
  retry,
  secrets,
  stepName,
} from '../yaml/common-readers.js';
import { environment } from '../yaml/environment-reader.js';
import { whenExpression } from '../yaml/expression-readers.js';
import { CONTAINER_HABITS, JOB_HABITS } from '../yaml/habits.js';
import { STEP_MEANINGS } from './key-meanings.js';
import { type JsonSchema, mapSchema, withRules } from '../yaml/json-schema.js';
import type { ReadContext, Reader } from '../yaml/reader.js';
import { choice, duration, text } from '../yaml/value-readers.js';

/** Types that never run here, with what does the same. */
const REFUSED_TYPES: ReadonlyMap<string, string> = new Map([
  ['kubernetes', 'Use step_type: shell with kubectl or helm'],
  ['k8s', 'Use step_type: shell with kubectl or helm'],
  ['aws', 'Use step_type: shell with the aws command'],
  ['a_w_s', 'Use step_type: shell with the aws command'],
  ['azure', 'Use step_type: shell with the az command'],
  ['gcp', 'Use step_type: shell with the gcloud command'],
  ['g_c_p', 'Use step_type: shell with the gcloud command'],
]);

const forms: ReadonlyMap<string, RustciForm<StepDraft>> = new Map(
  rustciForms.flatMap((form) => form.types.map((type) => [type, form] as const)),
);

/** Those that run: no other one is suggested. */
const stepType = choice([...forms.keys()], {
  habits: nameRecord(rustciForms.flatMap(({ habits = {} }) => Object.entries(habits))),
});

/** `config` is read by `rustciStep`, which knows the type; here it is only held. */
const config: Reader<true> = {
  expects: 'a map (config)',
  schema: { type: 'object' },
  read: () => true,
};

/** Keys of a step in the form of RustCI. */
export const rustciStepTable = {
  name: 'a step with step_type',
  fields: {
    name: stepName,
    step_type: { ...text({ expects: 'a step type' }), schema: stepType.schema },
    config,
    environment,
    secrets,
    needs,
    when: whenExpression,
    continue_on_error: continueOnError,
    timeout: duration(),
    retry,
    outputs,
    cache: caches,
    artifacts,
    artifacts_from: artifactsFrom,
    reports,
  },
  required: ['name', 'step_type'],
  meanings: STEP_MEANINGS,
  same: { condition: 'when' },
  habits: {
    ...CONTAINER_HABITS,
    ...JOB_HABITS,
    run: 'Write it as config: { command: … }, or remove step_type and config',
    command: 'Move it into config',
    script: 'Move it into config',
    image: 'Move it into config, with the step_type for images',
    docker: 'Move it into config, with the step_type for images',
    container: 'Write config: { image: … }, with the step_type for images',
    depends_on: 'Write needs',
    dependencies: 'Write needs for the order, and artifacts_from for files of other steps',
    working_directory: 'Move it into config',
    retry_count: 'retry_count belongs to the stage or the pipeline; write retry: 2 here',
  },
} as const;

/** With the keys that `config` has by its type. */
export const rustciStepSchema: JsonSchema = withRules(
  mapSchema({ ...rustciStepTable, required: [...rustciStepTable.required, 'config'] }),
  rustciForms.map(({ types, config: keys }) => ({
    if: { properties: { step_type: { enum: types } }, required: ['step_type'] },
    then: { properties: { config: mapSchema(keys) } },
  })),
);

const NOTHING: RustciStep<StepDraft> = { draft: NO_COMMANDS };

/** What the step does, by `step_type` and `config`; problems of these two are reported here. */
export function rustciStep(step: RustciStepText, context: ReadContext): RustciStep<StepDraft> {
  const { node, path } = step;
  const typeEntry = node.entries.find((entry) => entry.key === 'step_type');
  const configEntry = node.entries.find((entry) => entry.key === 'config');
  if (typeEntry === undefined) return NOTHING;
  const at = { path: [...path, 'step_type'], offset: typeEntry.value.start };
  const written = typeEntry.value.kind === 'scalar' ? typeEntry.value.text : '';
  const refused = REFUSED_TYPES.get(written);
  if (refused !== undefined) {
    const message = `Steps of type "${written}" are not supported.`;
    context.error('UnsupportedStepType', message, at, refused);
    return NOTHING;
  }
  const type = stepType.read(typeEntry.value, at.path, context);
  if (type === undefined) return NOTHING;
  const form = forms.get(type);
  if (form === undefined) throw new Error(`no form for the step type ${type}`);
  if (configEntry === undefined) {
    const message = 'A step with step_type needs "config".';
    context.error('missing_key', message, { path, offset: node.start }, form.configHint);
    return NOTHING;
  }
  return form.read(configEntry.value, [...path, 'config'], context, step) ?? NOTHING;
}
