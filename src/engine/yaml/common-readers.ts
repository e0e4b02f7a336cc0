import { ASKED_REF_NAME } from '../../common/values/ref-name.js';
import { quoted } from '../../common/values/redact-urls.js';
import { repositoryUrlProblem } from '../../common/values/repository-url.js';
import { lineProblem, ONE_LINE } from '../../common/values/text-rule.js';
import type { CredentialsPlan, RepositoryPlan, RetryCondition, RetryPlan } from '../plan/plan.js';
import { template } from './expression-readers.js';
import { either } from './json-schema.js';
import { plainPath } from './plain-path.js';
import type { YamlPath } from './problem.js';
import { fields, type NameUse, type ReadContext, type Reader } from './reader.js';
import {
  advised,
  choice,
  duration,
  fitting,
  fittingEach,
  type FittingRule,
  flag,
  integer,
  listOf,
  mapOr,
  mapped,
  number,
  text,
  type TextRule,
} from './value-readers.js';
import { FREE_VARIABLE, variableNameProblem } from './variable-rule.js';
import type { YamlNode } from './yaml-tree.js';

export const MAX_RETRIES = 10;
/** Names that the addresses of log lines use for hooks. */
const RESERVED_STAGE = /^(?!(?:on_failure|always)$)/;

const NAME_RULES: readonly FittingRule[] = [
  [
    /^\S(?:[^]*\S)?$/,
    (value) => [
      'invalid_name',
      'A name does not begin or end with a space.',
      `Write "${value.trim()}"`,
    ],
  ],
  [
    ONE_LINE,
    (value) => [
      'invalid_name',
      `A name is one line without control characters; it holds ${lineProblem(value)?.what ?? ''}.`,
    ],
  ],
  [
    /^(?!__proto__$)/,
    () => ['invalid_name', '"__proto__" cannot be used as a name.', 'Choose another name'],
  ],
  [/^(?![^]*\$\{\{)/, () => ['invalid_name', 'A name is fixed: it holds no expression.']],
];
const nameRule: TextRule = { expects: 'a name', max: 100 };

export const name: Reader<string> = text({ ...nameRule, ...fittingEach(NAME_RULES) });

/** A name together with its place. */
export function placed(reader: Reader<string>): Reader<NameUse> {
  return {
    expects: reader.expects,
    schema: reader.schema,
    read: (node, path, context) => {
      const value = reader.read(node, path, context);
      return value === undefined ? undefined : { name: value, path, offset: node.start };
    },
  };
}

export const stageName: Reader<NameUse> = placed(
  text({
    ...nameRule,
    ...fittingEach([
      [
        RESERVED_STAGE,
        (value) => ['reserved_name', `"${value}" is the name of the hooks.`, 'Choose another name'],
      ],
      ...NAME_RULES,
    ]),
  }),
);

export const stepName: Reader<NameUse> = placed(name);

export const needs: Reader<NameUse[]> = listOf(placed(name), { single: true });

export const outputs: Reader<string[]> = listOf(
  text({
    expects: 'the name of an output',
    max: 100,
    ...fitting(/^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$/, (value) => [
      'invalid_name',
      `"${quoted(value, 60)}" is no name of an output.`,
      'Use letters, digits and _',
    ]),
  }),
  { max: 100, single: true },
);

/** The name of a secret, with its place. */
export const secretUse: Reader<NameUse> = placed(
  text({
    expects: 'the name of a secret',
    pattern: new RegExp(`^${FREE_VARIABLE}$`),
    check: (value) => {
      const problem = value === '__proto__' ? NO_SECRET : variableNameProblem(value);
      return problem && ['invalid_name', problem.message, problem.suggestion];
    },
  }),
);

/** Names of secrets that become variables of steps; each with its place. */
export const secrets: Reader<NameUse[]> = listOf(advised(secretUse, renamedSecretAdvice), {
  max: 100,
  single: true,
});

/** `{ source: a, target: B }`: a secret is the variable of its own name. */
function renamedSecretAdvice(node: YamlNode): string | undefined {
  const entries = node.kind === 'map' ? node.entries : [];
  const target = entries.find(({ key }) => /^(target|name|as)$/.test(key))?.value;
  if (target?.kind !== 'scalar') return undefined;
  const shown = quoted(target.text.toUpperCase(), 60);
  return `Write ${shown}: a secret is the variable of its own name, so store it under that`;
}

const NO_SECRET = {
  message: '"__proto__" cannot be used as a name.',
  suggestion: 'Choose another name',
} as const;

export const labels: Reader<string[]> = listOf(
  workerLabel(
    text({
      expects: 'a label',
      max: 63,
      ...fitting(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, (value) => [
        'invalid_name',
        `"${quoted(value, 60)}" is no label.`,
        'Use letters, digits, dots, - and _',
      ]),
    }),
  ),
  { max: 20, single: true },
);

/** Machines of hosted systems: here no worker has such a label by itself. */
const HOSTED = /^(ubuntu|windows|macos)-(latest|\d[\w.-]*)$|^(docker|self-hosted)$/i;

/** A label of a worker, with a warning where an image or a hosted machine seems to be meant. */
function workerLabel(reader: Reader<string>): Reader<string> {
  return {
    expects: reader.expects,
    schema: reader.schema,
    read: (node, path, context) => {
      const value = reader.read(node, path, context);
      if (value !== undefined && HOSTED.test(value)) {
        const message = `runs_on names labels of workers and no image: only a worker with the label "${value}" takes this.`;
        const hint = 'Remove it, or write defaults: { image: … } for the image of steps';
        context.warn('label_of_others', message, { path, offset: node.start }, hint);
      }
      return value;
    },
  };
}

/** A directory inside the workspace. */
export const workspacePath: Reader<string> = plainPath(
  template({
    expects: 'a path inside the workspace',
    max: 1024,
    oneLine: true,
    check: (value) => {
      if (/^([/\\~]|[A-Za-z]:)/.test(value)) {
        const hint = 'Write it relative to the workspace: packages/api';
        return ['invalid_path', `"${quoted(value, 100)}" is not relative to the workspace.`, hint];
      }
      let depth = 0;
      for (const part of value.split('/')) {
        if (part === '..') depth -= 1;
        else if (part !== '' && part !== '.') depth += 1;
        if (depth < 0) {
          return [
            'invalid_path',
            `"${quoted(value, 100)}" leaves the workspace.`,
            'Remove the leading ".."',
          ];
        }
      }
      return undefined;
    },
  }),
);

const urlText = template({ expects: 'the URL of a git repository', max: 2048 });

/**
 * What can never be cloned is refused; nothing of the URL is said, because it may hold a token
 * anywhere.
 */
const url: Reader<string> = {
  expects: urlText.expects,
  schema: urlText.schema,
  read: (node, path, context) => {
    const value = urlText.read(node, path, context);
    if (value === undefined) return undefined;
    const problem = repositoryUrlProblem(value, context.repositories);
    if (problem === undefined) return value;
    const at = { path, offset: node.start };
    context.error('invalid_url', problem.message, at, problem.suggestion);
    return undefined;
  },
};

const gitName = template({
  expects: 'the name of a branch or tag',
  max: 255,
  ...fitting(ASKED_REF_NAME, (value) => [
    'invalid_name',
    `"${quoted(value, 60)}" is no name of a branch or tag.`,
  ]),
});

const commit = template({
  expects: 'a commit',
  max: 64,
  ...fitting(/^[0-9a-fA-F]{7,64}$/, (value) => [
    'invalid_name',
    `"${quoted(value, 60)}" is no commit.`,
    'Write 7 to 64 hexadecimal digits',
  ]),
});

export const gitFields = {
  url,
  branch: gitName,
  tag: gitName,
  commit,
  depth: integer(0, 1_000_000),
};

const submoduleFlag = flag('true, false or recursive');

const submodules: Reader<boolean | 'recursive'> = {
  expects: submoduleFlag.expects,
  schema: either(submoduleFlag.schema, { enum: ['recursive'] }),
  read: (node, path, context) =>
    node.kind === 'scalar' && node.value === 'recursive'
      ? node.value
      : submoduleFlag.read(node, path, context),
};

export const secretName: Reader<string> = mapped(secretUse, ({ name: value }) => value);

export const credentialsTable = {
  name: 'credentials',
  fields: {
    token: secretName,
    username: secretName,
    password: secretName,
    ssh_key: secretName,
    known_hosts: secretName,
  },
  habits: { user: 'Write username', key: 'Write ssh_key', deploy_key: 'Write ssh_key' },
} as const;

/** `credentials: <secret>`, which is a token, or a map of names of secrets. */
export const credentials: Reader<CredentialsPlan> = mapOr(
  mapped(fields(credentialsTable), ({ ssh_key, known_hosts, ...rest }): CredentialsPlan => ({
    ...rest,
    sshKey: ssh_key,
    knownHosts: known_hosts,
  })),
  mapped(secretName, (token): CredentialsPlan => ({ token })),
);

/**
 * The credentials of a clone, if they fit each other and the URL. The host to which they go stands
 * in the file: no expression chooses it.
 */
export function fittingCredentials(
  address: string,
  named: CredentialsPlan | undefined,
  { path, node }: { readonly path: YamlPath; readonly node: YamlNode },
  context: ReadContext,
): CredentialsPlan | undefined {
  if (named === undefined) return undefined;
  const refuse = (message: string, hint: string): undefined => {
    const entries = node.kind === 'map' ? node.entries : [];
    const offset = entries.find(({ key }) => key === 'credentials')?.keyStart ?? node.start;
    const place = { path: [...path, 'credentials'], offset };
    context.error('invalid_credentials', message, place, hint);
    return undefined;
  };
  const origin = /^[a-z]+:\/\/[^/]*\//i.exec(address)?.[0] ?? '';
  if (origin === '' || origin.includes('${{')) {
    return refuse('Credentials need a URL whose host is written out.', 'Write the host into url');
  }
  const isSsh = /^ssh:/i.test(origin);
  if (!isSsh && origin.includes('@')) {
    return refuse('The URL holds credentials, and others are named.', 'Take them out of the URL');
  }
  const { token, username, password, sshKey: key } = named;
  if (isSsh !== (key !== undefined)) {
    return refuse(
      'ssh_key belongs to an ssh:// URL, and nothing else does.',
      isSsh ? 'Write credentials: { ssh_key: <secret> }' : 'Write credentials: <secret>',
    );
  }
  const pairs = [token !== undefined, password !== undefined, key !== undefined];
  if (pairs.filter(Boolean).length !== 1 || (username !== undefined && password === undefined)) {
    return refuse(
      'Credentials are a token, or a username with a password, or an ssh_key.',
      'Write credentials: { username: <secret>, password: <secret> }',
    );
  }
  if (password !== undefined && username === undefined) {
    return refuse('A password needs a username.', 'Add username: <secret>');
  }
  if (named.knownHosts !== undefined && key === undefined) {
    return refuse('known_hosts belongs to ssh_key.', 'Remove known_hosts');
  }
  return named;
}

export const repositoryTable = {
  name: 'repository',
  fields: { ...gitFields, tags: flag(), submodules, lfs: flag(), credentials },
  required: ['url'],
  groups: [
    {
      keys: ['branch', 'tag'],
      several: ['conflicting_keys', 'A clone has a branch or a tag, not both.', 'Remove one'],
    },
  ],
  habits: {
    ref: 'Write branch, tag or commit',
    repository_url: 'Write url',
    token: 'Write credentials: <name of a secret>',
  },
} as const;

/** `repository: <url>` or a map. */
export const repository: Reader<RepositoryPlan> = (() => {
  const map = fields(repositoryTable);
  const both: Reader<RepositoryPlan> = {
    expects: 'a map (repository)',
    schema: map.schema,
    read: (node, path, context) => {
      const values = map.read(node, path, context);
      if (values?.url === undefined) return undefined;
      const { credentials: named, url: address, ...rest } = values;
      const used = fittingCredentials(address, named, { path, node }, context);
      return { ...rest, url: address, ...(used && { credentials: used }) };
    },
  };
  return mapOr(
    both,
    mapped(url, (value): RepositoryPlan => ({ url: value })),
  );
})();

const DEFAULT_BACKOFF = { initialMs: 1000, factor: 2, maxMs: 60_000 };
const DEFAULT_CONDITIONS: readonly RetryCondition[] = ['failure', 'timeout', 'infrastructure'];

/** `count` further attempts, for everything that can be retried. */
export function plainRetry(count: number): RetryPlan {
  return { max: count, on: DEFAULT_CONDITIONS, backoff: DEFAULT_BACKOFF };
}

export const exitCodeTable = {
  name: 'a condition of retry',
  fields: { exit_code: listOf(integer(1, 255), { min: 1, single: true }) },
  required: ['exit_code'],
  habits: { exit_codes: 'Write exit_code' },
} as const;

const condition: Reader<RetryCondition> = mapOr(
  mapped(fields(exitCodeTable), (values): RetryCondition => ({
    exitCodes: values.exit_code ?? [],
  })),
  choice(['failure', 'timeout', 'infrastructure'], {
    habits: {
      failed: 'failure',
      error: 'failure',
      always: 'failure',
      exit_code: '{ exit_code: [1] }',
    },
  }),
);

export const backoffTable = {
  name: 'backoff',
  fields: { initial: duration(0, 3_600_000), factor: number(1, 10), max: duration(0, 86_400_000) },
} as const;

export const retryTable = {
  name: 'retry',
  fields: {
    max: integer(0, MAX_RETRIES),
    on: listOf(condition, { min: 1, max: 10, single: true }),
    backoff: fields(backoffTable),
  },
  required: ['max'],
  habits: { count: 'Write max', limit: 'Write max', attempts: 'Write max', when: 'Write on' },
} as const;

/** `retry: 2` or a map. */
export const retry: Reader<RetryPlan> = mapOr(
  mapped(fields(retryTable), (values): RetryPlan => ({
    max: values.max ?? 0,
    on: values.on ?? DEFAULT_CONDITIONS,
    backoff: {
      initialMs: values.backoff?.initial ?? DEFAULT_BACKOFF.initialMs,
      factor: values.backoff?.factor ?? DEFAULT_BACKOFF.factor,
      maxMs: values.backoff?.max ?? DEFAULT_BACKOFF.maxMs,
    },
  })),
  mapped(integer(0, MAX_RETRIES), plainRetry),
);

export const retryCount: Reader<number> = integer(0, MAX_RETRIES);
export const continueOnError: Reader<boolean> = flag();

/** A path of a URL, as it is asked for; no template. */
export const urlPath = text({
  expects: 'a path',
  max: 2048,
  oneLine: true,
  check: (value) =>
    /^\/[\x21-\x7e]*$/.test(value) && !value.includes('${{')
      ? undefined
      : ['invalid_path', `"${quoted(value, 100)}" is no path.`, 'Write it as /healthz'],
});
