import { quoted } from '../../../common/values/redact-urls.js';
import { fields, type Reader } from '../../yaml/reader.js';
import {
  duration,
  integer,
  listOf,
  mapped,
  text,
  type TextRule,
} from '../../yaml/value-readers.js';
import { variableNameProblem } from '../../yaml/variable-rule.js';
import type { RestartLimit } from './deploy-action.js';

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
  read: (node, path, context) =>
    node.kind === 'list' ? list.read(node, path, context) : line.read(node, path, context),
};

export const portVariable = text({
  expects: 'the name of a variable',
  max: 100,
  check: (value) =>
    variableNameProblem(value) === undefined
      ? undefined
      : ['invalid_name', `"${quoted(value, 80)}" is no name of a variable.`, 'Write it as PORT'],
});

/** Keys of `restart`. */
export const restartTable = {
  name: 'restart',
  fields: { max: integer(0, MOST_RESTARTS), window: duration(1_000, DAY_MS) },
  habits: {
    attempts: 'Write max',
    retries: 'Write max',
    backoff: 'Remove it: the pause is 0.5 s at first, and doubles up to 30 s',
    delay: 'Remove it: the pause is 0.5 s at first, and doubles up to 30 s',
  },
} as const;

export const restartReader: Reader<RestartLimit> = mapped(
  fields(restartTable),
  ({ max = DEFAULT_RESTARTS, window = MINUTE_MS }): RestartLimit => ({ max, windowMs: window }),
);
