import { inputs } from '../../inputs/input-reader.js';
import { template } from '../../yaml/expression-readers.js';
import { fields, type Reader } from '../../yaml/reader.js';
import {
  choice,
  duration,
  integer,
  listOf,
  mapOr,
  mapped,
  text,
} from '../../yaml/value-readers.js';
import {
  APPROVAL_KIND,
  APPROVAL_TIMEOUT_MS,
  APPROVING_ROLES,
  type ApprovalAction,
  MAX_APPROVAL_TIMEOUT_MS,
} from './approval-action.js';

const MAX_MESSAGE = 1_000;
const MAX_USERS = 50;
const MAX_REQUIRED = 20;

const message = template({ expects: 'a text that says what is approved', max: MAX_MESSAGE });

export const approvalTable = {
  name: 'an approval',
  fields: {
    message,
    roles: listOf(
      choice(APPROVING_ROLES, { habits: { admins: 'admin', developers: 'developer' } }),
      { min: 1, max: APPROVING_ROLES.length, single: true },
    ),
    users: listOf(text({ expects: 'a log-in name', max: 100, oneLine: true }), {
      ...{ min: 1, max: MAX_USERS, single: true },
    }),
    required: integer(1, MAX_REQUIRED),
    inputs,
    timeout: duration(1_000, MAX_APPROVAL_TIMEOUT_MS),
  },
  required: ['message'],
  habits: {
    approvers: 'Write users: […], or roles: […]',
    role: 'Write roles',
    user: 'Write users',
    groups: 'Write roles, or users',
    count: 'Write required',
    min_approvals: 'Write required',
    title: 'Write message',
    text: 'Write message',
    prompt: 'Write message',
    parameters: 'Write inputs',
    fields: 'Write inputs',
    expires: 'Write timeout',
    environment: 'An environment has approvers of its own: write deploy: { environment: … }',
  },
} as const;

const settings = fields(approvalTable);

const whole: Reader<ApprovalAction> = {
  expects: settings.expects,
  schema: settings.schema,
  read: (node, path, context) => {
    const values = settings.read(node, path, context);
    if (values?.message === undefined) return undefined;
    const { roles, users, inputs: asked = [] } = values;
    return {
      ...approvalOf(values.message),
      ...(roles && { roles: [...new Set(roles)] }),
      ...(users && { users: [...new Set(users)] }),
      required: values.required ?? 1,
      ...(asked.length > 0 && { inputs: asked }),
      timeoutMs: values.timeout ?? APPROVAL_TIMEOUT_MS,
    };
  },
};

/** `approval: <message>` or a map. */
export const approvalReader: Reader<ApprovalAction> = mapOr(whole, mapped(message, approvalOf));

/** Asks whoever may approve at all. */
export function approvalOf(text: string): ApprovalAction {
  return { kind: APPROVAL_KIND, message: text, required: 1, timeoutMs: APPROVAL_TIMEOUT_MS };
}
