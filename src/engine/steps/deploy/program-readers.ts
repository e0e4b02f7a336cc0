import { quoted } from '../../../common/values/redact-urls.js';
import { either } from '../../yaml/json-schema.js';
import { fields, type Reader } from '../../yaml/reader.js';
import {
  choice,
  duration,
  integer,
  listOf,
  mapOr,
  mapped,
  text,
  type TextRule,
} from '../../yaml/value-readers.js';
import { FREE_VARIABLE, variableNameProblem } from '../../yaml/variable-rule.js';
import { FAILURE_ACTIONS, type OnFailure, type RestartLimit } from './deploy-action.js';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const MOST_RESTARTS = 1000;
const DEFAULT_RESTARTS = 5;
const MOST_ARGUMENTS = 100;
const LONGEST_LINE = 4096;

/** What is run is fixed: a value of an expression would be a command. */
const noExpression: NonNullable<TextRule['check']> = (value) =>
  value.includes('${{')
    ? [
        'expression_not_allowed',
        'What is run holds no expression: its value would become a command.',
        'Put the value into variables, and use the variable',
      ]
    : undefined;

const line = text({ expects: 'a line for the shell', max: LONGEST_LINE, check: noExpression });
const program = text({ expects: 'a program or argument', min: 0, max: 4096, check: noExpression });
const list = listOf(program, { min: 1, max: MOST_ARGUMENTS });

/** `run: node server.js`, for `/bin/sh`, or program and arguments. */
export const startCommand: Reader<string | readonly string[]> = {
  expects: `${line.expects}, or a list of a program and its arguments`,
  schema: either(line.schema, list.schema),
  read: (node, path, context) =>
    node.kind === 'list' ? list.read(node, path, context) : line.read(node, path, context),
};

export const portVariable = text({
  expects: 'the name of a variable',
  max: 100,
  pattern: new RegExp(`^${FREE_VARIABLE}$`),
  check: (value) =>
    variableNameProblem(value) === undefined
      ? undefined
      : ['invalid_name', `"${quoted(value, 80)}" is no name of a variable.`, 'Write it as PORT'],
});

const LEAST_BACKOFF_MS = 100;
const TEN_MINUTES_MS = 600_000;

/** Keys of `restart`. */
export const restartTable = {
  name: 'restart',
  fields: {
    max: integer(0, MOST_RESTARTS),
    window: duration(1_000, DAY_MS),
    backoff: duration(LEAST_BACKOFF_MS, TEN_MINUTES_MS),
  },
  habits: {
    attempts: 'Write max',
    retries: 'Write max',
    delay: 'Write backoff',
    interval: 'Write window',
  },
} as const;

export const restartReader: Reader<RestartLimit> = mapped(
  fields(restartTable),
  ({ max = DEFAULT_RESTARTS, window = MINUTE_MS, backoff }): RestartLimit => ({
    ...{ max, windowMs: window },
    ...(backoff !== undefined && { backoffMs: backoff }),
  }),
);

const MOST_FAILURE_RESTARTS = 100;
const ON_FAILURE: OnFailure = {
  ...{ actions: ['restart'], max: 3, windowMs: 1_800_000, backoffMs: 15_000 },
};

const failureAction = choice([...FAILURE_ACTIONS, 'alert'], {
  habits: { none: 'alert', notify: 'alert', ignore: 'alert', back: 'rollback', always: 'restart' },
});
const failureActions: Reader<OnFailure['actions']> = mapped(
  listOf(failureAction, { min: 1, max: FAILURE_ACTIONS.length, single: true }),
  // They are done in this order, however they are written: who has gone back restarts nothing.
  (written) => FAILURE_ACTIONS.filter((one) => written.includes(one)),
);

/** Keys of `on_failure`. */
export const onFailureTable = {
  name: 'on_failure',
  fields: {
    actions: failureActions,
    max: integer(1, MOST_FAILURE_RESTARTS),
    window: duration(MINUTE_MS, DAY_MS),
    backoff: duration(1_000, TEN_MINUTES_MS),
  },
  habits: {
    action: 'Write actions',
    do: 'Write actions',
    attempts: 'Write max',
    retries: 'Write max',
    interval: 'Write window',
    delay: 'Write backoff',
  },
} as const;

/** `on_failure: restart`, a list of actions, or a map. */
export const onFailureReader: Reader<OnFailure> = mapOr(
  mapped(fields(onFailureTable), ({ actions, max, window, backoff }): OnFailure => ({
    ...ON_FAILURE,
    ...(actions && { actions }),
    ...(max !== undefined && { max }),
    ...(window !== undefined && { windowMs: window }),
    ...(backoff !== undefined && { backoffMs: backoff }),
  })),
  mapped(failureActions, (actions): OnFailure => ({ ...ON_FAILURE, actions })),
);
