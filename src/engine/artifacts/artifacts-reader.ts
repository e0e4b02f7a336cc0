import { quoted } from '../../common/values/redact-urls.js';
import { template } from '../yaml/expression-readers.js';
import { plainPath } from '../yaml/plain-path.js';
import { fields, type Reader } from '../yaml/reader.js';
import { choice, duration, listOf, mapOr, mapped, text } from '../yaml/value-readers.js';
import { artifactPathProblem } from './artifact-paths.js';
import { ARTIFACTS_WHEN, type ArtifactsPlan } from '../plan/artifacts-plan.js';

const MAX_PATHS = 100;
const MINUTE_MS = 60_000;
const TEN_YEARS_MS = 3_650 * 24 * 60 * MINUTE_MS;

const paths: Reader<string[]> = listOf(
  plainPath(
    template({
      expects: 'a path or pattern inside the workspace',
      max: 1024,
      oneLine: true,
      check: artifactPathProblem,
    }),
  ),
  { min: 1, max: MAX_PATHS, single: true },
);

/** It becomes the name of a file in downloads. */
const artifactName: Reader<string> = text({
  expects: 'the name of artifacts',
  max: 100,
  oneLine: true,
  check: (value) => {
    if (value.includes('${{')) return ['invalid_name', 'A name is fixed: it holds no expression.'];
    const isName = value === value.trim() && !/[/\\]/.test(value) && !/^\.{1,2}$/.test(value);
    if (isName && value !== '__proto__') return undefined;
    const message = `"${quoted(value, 60)}" is no name of artifacts.`;
    return ['invalid_name', message, 'Write it without / and without spaces around it'];
  },
});

export const artifactsTable = {
  name: 'artifacts',
  fields: {
    paths,
    name: artifactName,
    when: choice(ARTIFACTS_WHEN, {
      habits: {
        on_success: 'success',
        on_failure: 'failure',
        failed: 'failure',
        all: 'always',
        true: 'always',
      },
    }),
    expire_in: duration(MINUTE_MS, TEN_YEARS_MS),
  },
  required: ['paths'],
  habits: {
    path: 'Write paths',
    files: 'Write paths',
    exclude: 'Name only what is kept in paths',
    expires: 'Write expire_in',
    expires_in: 'Write expire_in',
    retention: 'Write expire_in',
    retention_days: 'Write expire_in: 30d',
    'retention-days': 'Write expire_in: 30d',
    'if-no-files-found': 'Remove it: the log names what fits nothing',
    on: 'Write when',
    reports: 'reports is a key of the step, beside artifacts: reports: { junit: … }',
    untracked: 'Name what is kept in paths',
  },
} as const;

/** `artifacts: dist/**`, a list of such patterns, or a map. */
export const artifacts: Reader<ArtifactsPlan> = mapOr(
  withPaths(fields(artifactsTable)),
  mapped(paths, (list): ArtifactsPlan => planOf(list, {})),
);

interface Values {
  readonly paths?: string[];
  readonly name?: string;
  readonly when?: ArtifactsPlan['when'];
  readonly expire_in?: number;
}

/** Without paths nothing is kept, and the table has said so. */
function withPaths(map: Reader<Values>): Reader<ArtifactsPlan> {
  return {
    expects: map.expects,
    schema: map.schema,
    read: (node, path, context) => {
      const { paths: list, ...rest } = map.read(node, path, context) ?? {};
      return list === undefined ? undefined : planOf(list, rest);
    },
  };
}

function planOf(
  list: readonly string[],
  { name, when = 'success', expire_in }: Omit<Values, 'paths'>,
): ArtifactsPlan {
  return {
    paths: [...new Set(list)],
    ...(name !== undefined && { name }),
    when,
    ...(expire_in !== undefined && { expireInMs: expire_in }),
  };
}
