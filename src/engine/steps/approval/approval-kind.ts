import { nameRecord } from '../../../common/values/name-record.js';
import { renderText } from '../../expression/render-text.js';
import type { ReadContext } from '../../yaml/reader.js';
import { ownForm, type StepKind, type StepText } from '../step-kind.js';
import { APPROVAL_KIND, type ApprovalAction } from './approval-action.js';
import { approvalOf, approvalReader } from './approval-keys.js';

/** Keys of a step that mean nothing where nothing runs, with what to write instead. */
const FOREIGN_KEYS = new Map([
  ['environment', 'Write the values into the message, as ${{ steps.build.outputs.version }}'],
  ['timeout', 'Write approval: { timeout: 24h }'],
  ['outputs', 'Write approval: { inputs: { … } }: they are its outputs'],
  ['secrets', 'Remove it: nothing runs in the step'],
  ['cache', 'Remove it: nothing runs in the step'],
  ['artifacts', 'Remove it: nothing runs in the step'],
  ['artifacts_from', 'Write it at the step that uses the files'],
  ['reports', 'Remove it: nothing runs in the step'],
]);

/** Waits for people, and holds no worker when nothing else runs. */
export const approvalKind: StepKind<ApprovalAction, ApprovalAction> = {
  kind: APPROVAL_KIND,
  meaning: 'waits until people have approved what comes next, and holds no worker meanwhile',
  ownForm: ownForm({
    keys: {
      approval: {
        reader: approvalReader,
        value: 'a text, or a map',
        default: 'none',
        meaning: 'who is asked what before the steps after it run; see below',
      },
    },
    begunBy: ['approval'],
    read: ({ approval }, step, context) => {
      refuseForeignKeys(step, context);
      return approval ?? approvalOf('unread');
    },
  }),
  retries: 'when_told',
  setsOutputs: ({ inputs = [] }) => inputs.map(({ name }) => name),
  compile: (action) => action,
  prepare: (action, scope) => ({
    action: { ...action, message: renderText(action.message, scope) },
    variables: nameRecord([]),
  }),
  view: ({ message }) => ({ summary: `waits for an approval: ${message}` }),
  document: ({ message, roles, users, required }) => ({
    step_type: 'custom',
    config: { approval: { message, roles, users, required } },
  }),
};

function refuseForeignKeys({ node, path }: StepText, context: ReadContext): void {
  for (const { key, keyStart } of node.entries) {
    const hint = FOREIGN_KEYS.get(key);
    if (hint === undefined) continue;
    const message = `"${key}" is no key of a step with "approval".`;
    context.error('conflicting_keys', message, { path: [...path, key], offset: keyStart }, hint);
  }
}
