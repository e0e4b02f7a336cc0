import { quoted } from '../../../common/values/redact-urls.js';
import { fields, type Reader } from '../../yaml/reader.js';
import { choice, duration, fitting, listOf, text } from '../../yaml/value-readers.js';
import {
  DEFAULT_CHECK_INTERVAL_MS,
  DEFAULT_CHECK_TIMEOUT_MS,
  INSTANCE_CHECK_TYPES,
  type InstanceCheck,
  MAX_CHECK_TIMEOUT_MS,
  MOST_CHECKS,
} from './deploy-action.js';
import { startCommand } from './program-readers.js';
import { SERVICE_NAME } from './service-name.js';

const DAY_MS = 86_400_000;

const checkName = text({
  expects: 'the name of a check',
  max: 63,
  ...fitting(SERVICE_NAME, (value) => [
    'invalid_name',
    `"${quoted(value, 80)}" is not the name of a check.`,
    'Use at most 63 small letters, digits and hyphens, as in queue-is-short',
  ]),
});

/** Keys of each of `checks`. */
export const checkTable = {
  name: 'checks',
  fields: {
    type: choice(INSTANCE_CHECK_TYPES, {
      habits: { command: 'exec', script: 'exec', shell: 'exec', docker: 'container' },
      adviceFor: (word) =>
        /^(https?|tcp|url)$/.test(word)
          ? 'The address of a service is asked anyway; see docs/services.md'
          : undefined,
    }),
    name: checkName,
    command: startCommand,
    interval: duration(1_000, DAY_MS),
    timeout: duration(100, MAX_CHECK_TIMEOUT_MS),
  },
  required: ['type'],
  habits: {
    run: 'Write command',
    exec: 'Write type: exec and command',
    test: 'Write command',
    cmd: 'Write command',
    every: 'Write interval',
    retries: 'Remove it: three in a row fail; the service itself says otherwise (docs/services.md)',
    user: 'Remove it: it runs as the user of the instance',
  },
} as const;

const values = fields(checkTable);

const checkReader: Reader<InstanceCheck> = {
  expects: values.expects,
  schema: values.schema,
  read: (node, path, context) => {
    const read = values.read(node, path, context);
    if (read?.type === undefined) return undefined;
    const { type, name = type, command } = read;
    const { interval: intervalMs = DEFAULT_CHECK_INTERVAL_MS } = read;
    const usual = Math.min(DEFAULT_CHECK_TIMEOUT_MS, intervalMs / 2);
    const { timeout: timeoutMs = usual } = read;
    const wrong = (code: string, message: string, hint: string): undefined => {
      context.error(code, message, { path, offset: node.start }, hint);
      return undefined;
    };
    if (type === 'exec' && command === undefined) {
      return wrong('missing_key', 'A check of type exec needs a command.', 'Add command: ./ready');
    }
    if (type === 'container' && command !== undefined) {
      const message = 'A check of type container asks the engine, and runs nothing.';
      return wrong('conflicting_keys', message, 'Remove command, or write type: exec');
    }
    if (timeoutMs >= intervalMs) {
      const message = 'The timeout of a check is below its interval.';
      return wrong('out_of_range', message, 'Make the interval longer, or the timeout shorter');
    }
    return { name, type, ...(command !== undefined && { command }), intervalMs, timeoutMs };
  },
};

const list = listOf(checkReader, { min: 1, max: MOST_CHECKS });

/** What is looked at in an instance itself; undefined where one of them cannot be read. */
export const checksReader: Reader<readonly InstanceCheck[]> = {
  expects: list.expects,
  schema: list.schema,
  read: (node, path, context) => {
    const checks = list.read(node, path, context);
    const written = node.kind === 'list' ? node.items.length : 0;
    if (checks === undefined || checks.length < written) return undefined;
    const again = checks.find(
      ({ name }, index) => checks.findIndex((c) => c.name === name) < index,
    );
    if (again === undefined) return checks;
    const message = `Two checks have the name "${again.name}".`;
    context.error('duplicate_name', message, { path, offset: node.start }, 'Add a name to each');
    return undefined;
  },
};
