import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig } from '../../src/config/load-config.js';
import type { MillraceConfig } from '../../src/config/millrace-config.js';
import { packageRoot } from '../../src/config/paths.js';
import { statusOfKind } from '../../src/common/errors/error-kind.js';
import { compileYaml } from '../../src/engine/compiler/compile-yaml.js';
import { DocumentedApi, type ApiDocument, type Operation } from '../support/documented-api.js';
import {
  errorExamples,
  shownExamples,
  writtenExamples,
  type MediaType,
} from '../support/documented-examples.js';

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly schema?: object;
}

const document = JSON.parse(
  readFileSync(join(packageRoot(), 'openapi.json'), 'utf8'),
) as ApiDocument & {
  readonly info: { readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
};
const api = new DocumentedApi(document);
const operations = api.operations.map((each): [string, Operation] => [
  `${each.method} ${each.path}`,
  each,
]);
const withErrors = operations.flatMap(([name, operation]) =>
  Object.keys(operation.responses)
    .filter((status) => /^[45]/.test(status) && status !== '416')
    .map((status): [string, Operation, string] => [`${name} ${status}`, operation, status]),
);

const defaults = defaultConfig();

const bodiesOf = ({ requestBody }: Operation): [string, MediaType][] =>
  Object.entries(requestBody?.content ?? {}) as [string, MediaType][];
const isForm = (type: string): boolean => type === 'multipart/form-data';

/** What Swagger UI fills in, and so sends when somebody presses a button. */
describe('what a page fills in', () => {
  it.each(operations)('is no parameter that may be left out: %s', (_name, { parameters = [] }) => {
    const filled = (parameters as readonly Parameter[])
      .filter(({ required }) => required !== true)
      .filter((each) =>
        [each, each.schema ?? {}].some((one) =>
          ['example', 'examples', 'default'].some((key) => key in one),
        ),
      );
    expect(filled).toEqual([]);
  });

  const bodies = operations.filter(([, each]) => bodiesOf(each).some(([type]) => !isForm(type)));

  it.each(bodies)('is a body that its route takes: %s', (_name, operation) => {
    for (const [type, media] of bodiesOf(operation)) {
      if (isForm(type)) continue;
      const examples = writtenExamples(media);
      expect([type, examples.length > 0]).toEqual([type, true]);
      for (const each of examples) expect(api.bodyProblems(operation, type, each)).toEqual([]);
    }
  });

  it.each(bodies)('switches nothing off and passes over nobody: %s', (_name, operation) => {
    const examples = bodiesOf(operation).flatMap(([, media]) => writtenExamples(media));
    const text = JSON.stringify(examples);
    expect(text).not.toMatch(/"enabled":false|"blocked":true|"override":true/);
  });

  it('is a pipeline without errors wherever a body holds one', () => {
    const texts = operations.flatMap(([, operation]) =>
      bodiesOf(operation).flatMap(([type, media]) =>
        writtenExamples(media).flatMap((each) => {
          if (/yaml$/.test(type)) return [each as string];
          const { yaml_content: yaml } = each as { yaml_content?: string };
          return yaml === undefined ? [] : [yaml];
        }),
      ),
    );
    expect(texts.length).toBeGreaterThan(8);
    for (const text of texts) expect(compileYaml(text).problems).toEqual([]);
  });

  it('may be YAML wherever a pipeline is sent', () => {
    const taking = operations.filter(([, each]) =>
      JSON.stringify(each.requestBody ?? {}).includes('yaml_content'),
    );
    expect(taking.map(([name]) => name)).toEqual([
      'POST /api/ci/pipelines',
      'POST /api/ci/pipelines/validate',
      'PUT /api/ci/pipelines/{id}',
      'POST /api/ci/pipelines/plan',
    ]);
    for (const [, each] of taking) {
      const types = bodiesOf(each).map(([type]) => type);
      expect(types).toEqual(['application/json', 'application/yaml', 'text/yaml']);
    }
  });
});

describe('examples of answers', () => {
  it.each(operations)('pass their schema: %s', (_name, operation) => {
    for (const [status, { content = {} }] of Object.entries(operation.responses)) {
      const json = content['application/json'];
      if (json === undefined) continue;
      for (const each of shownExamples(json, document)) {
        const headers = { 'content-type': 'application/json', 'retry-after': '5' };
        const answer = { status: Number(status), headers, text: JSON.stringify(each) };
        expect(api.problemsOf(operation, answer)).toEqual([]);
      }
    }
  });

  it.each(withErrors)('of errors are of their route: %s', (_name, operation, status) => {
    if (isHealth(operation, status)) return;
    const examples = errorExamples(operation, status);
    expect(examples).not.toEqual([]);
    for (const each of examples) {
      expect(Object.entries(statusOfKind)).toContainEqual([each.error, Number(status)]);
      expect(each.suggestions).not.toEqual([]);
    }
  });

  const missing = operations.filter(([, { responses }]) => '404' in responses);

  it.each(missing)('of what is not there name what the path is of: %s', (_name, operation) => {
    const messages = errorExamples(operation, '404').map(({ message }) => message);
    const thing = thingOf(operation);
    for (const each of messages) expect(each).toMatch(/^There is no .+\.$/);
    expect(messages.join(' ')).toContain(`There is no ${thing} `);
  });

  it.each(operations)('of refusals name what the route asks for: %s', (_name, operation) => {
    const { 'x-required-scope': scope } = operation as { 'x-required-scope'?: string };
    for (const { details, error } of errorExamples(operation, '403')) {
      const { required_scope: named = scope } = details as { required_scope?: string };
      expect([error, named]).toEqual(['AuthorizationError', scope]);
    }
    const limit = operation['x-max-body-bytes'] ?? defaults.maxUploadSize;
    for (const { details } of errorExamples(operation, '413')) {
      expect(details).toEqual({ limit_bytes: limit });
    }
    for (const { details } of errorExamples(operation, '429')) {
      // Streams have limits of their own.
      if (!('window_seconds' in (details as object))) continue;
      const isOfForge = /\/webhook$|\/webhooks\//.test(operation.path);
      const rate = isOfForge ? defaults.webhookLimit : defaults.rateLimit;
      expect(details).toMatchObject({ limit: rate });
    }
    for (const { details } of errorExamples(operation, '415')) {
      const types = bodiesOf(operation).map(([type]) => type);
      expect((details as { accepted: string[] }).accepted).toEqual(types);
    }
  });

  it.each(operations)('of wrong requests name what the route takes: %s', (_name, operation) => {
    const names = namesOf(operation);
    for (const { details, message } of errorExamples(operation, '400')) {
      if (!Array.isArray(details)) continue;
      for (const { code, path } of details as { code: string; path: string }[]) {
        if (code === 'unknown_property') expect(names).toContain(path.slice(0, -1));
        if (code === 'isUuid') expect([message, names]).toEqual([`${path} is not a UUID.`, names]);
      }
    }
  });
});

describe('the example of an execution', () => {
  interface Part {
    readonly status: string;
    readonly reason: unknown;
    readonly started_at: string | null;
    readonly finished_at: string | null;
    readonly duration: number | null;
    readonly steps?: readonly Part[];
    readonly attempts?: readonly Part[];
  }
  interface Execution extends Part {
    readonly id: string;
    readonly pipeline_name: string;
    readonly created_at: string;
    readonly stages: readonly (Part & { readonly name: string })[];
    readonly on_failure: readonly Part[];
    readonly failure: { readonly stage: string; readonly step: string; reason: unknown };
  }

  const [execution] = examplesAt('executions_get') as [Execution];
  const hooks = execution.on_failure;
  const partsOf = (part: Part): Part[] => [...(part.steps ?? []), ...(part.attempts ?? [])];

  it('has times that fit each other', () => {
    const check = (part: Part, { begin, end }: { begin: number; end: number }): void => {
      if (part.started_at === null || part.finished_at === null) {
        expect(part).toMatchObject({ status: 'skipped', started_at: null, duration: null });
        return;
      }
      const started = Date.parse(part.started_at);
      const finished = Date.parse(part.finished_at);
      expect(part.duration).toBe(finished - started);
      expect(begin).toBeLessThanOrEqual(started);
      expect(finished).toBeLessThanOrEqual(end);
      for (const each of partsOf(part)) check(each, { begin: started, end: finished });
    };
    const whole = { begin: Date.parse(execution.created_at), end: Infinity };
    check(execution, whole);
    const bounds = { begin: whole.begin, end: Date.parse(execution.finished_at ?? '') };
    for (const each of [...execution.stages, ...hooks]) check(each, bounds);
  });

  it('says why of whatever did not succeed, and of nothing else', () => {
    const all = [execution, ...execution.stages, ...hooks].flatMap(function all(
      part: Part,
    ): Part[] {
      return [part, ...partsOf(part).flatMap(all)];
    });
    expect(new Set(all.map(({ status }) => status))).toEqual(
      new Set(['success', 'failed', 'skipped']),
    );
    for (const { status, reason } of all) {
      const { code } = (reason ?? { code: null }) as { code: string | null };
      // Of what waited for others it stays told when it began.
      const isRight = status === 'success' ? code === null || code === 'started' : code !== null;
      expect([status, code, isRight]).toEqual([status, code, true]);
    }
    const failed = execution.stages.find(({ status }) => status === 'failed');
    expect(execution.failure.stage).toBe(failed?.name);
  });

  it('is the same one in lists and in what others answer about it', () => {
    for (const id of ['executions_list', 'executions_approve', 'executions_reject']) {
      expect(JSON.stringify(examplesAt(id))).toContain(`"id":"${execution.id}"`);
    }
    expect(JSON.stringify(examplesAt('executions_explain'))).toContain(execution.id);
  });
});

describe('the document for newcomers', () => {
  it('begins with pipelines and executions, and knows every tag', () => {
    const tags = document.tags.map(({ name }) => name);
    expect(tags.slice(0, 2)).toEqual(['pipelines', 'executions']);
    for (const [name, each] of operations) {
      const own = (each as { tags?: string[] }).tags ?? [];
      expect([name, own.length, tags.includes(own[0] ?? '')]).toEqual([name, 1, true]);
    }
    expect(document.tags.filter(({ description }) => description === '')).toEqual([]);
  });

  it('says of every stream that a page cannot show it, and what can', () => {
    const streams = operations.filter(([, { responses }]) =>
      Object.values(responses).some(({ content = {} }) => 'text/event-stream' in content),
    );
    expect(streams.map(([, { path }]) => path)).not.toEqual([]);
    for (const [name] of streams) expect(document.info.description).toContain(`\`${name}\``);
    expect(document.info.description).toMatch(/millrace logs -f/);
  });
});

function defaultConfig(): MillraceConfig {
  const result = parseConfig({ MONGODB_URI: 'mongodb://unused', REDIS_URL: 'redis://unused' });
  if (result.kind === 'invalid') throw new Error('the defaults are not valid');
  return result.config;
}

function examplesAt(operationId: string): unknown[] {
  const operation = api.operations.find((each) => each.operationId === operationId);
  const json = operation?.responses['200']?.content?.['application/json'];
  return json === undefined ? [] : writtenExamples(json);
}

/** Probes answer 503 with what is down, which is no error. */
function isHealth({ path }: Operation, status: string): boolean {
  return /^\/api\/health/.test(path) && status === '503';
}

const THINGS: Readonly<Record<string, string>> = {
  repositories: 'repository',
  deliveries: 'delivery',
  discovery: 'service',
  webhooks: 'forge',
  oauth: 'log-in',
  detect: 'repository',
  plan: 'pipeline',
  'encryption-keys': 'encryption key',
  'service-accounts': 'service account',
};

/** What the first parameter of a path is of. */
function thingOf({ method, path }: Operation): string {
  // Made where it is not: what may be missing is what it is to be of.
  if (path === '/api/secrets/{name}' && method === 'PUT') return 'pipeline';
  if (path === '/api/deployments' && method === 'POST') return 'execution';
  const folder = path.split('/{', 1)[0]?.split('/').at(-1) ?? '';
  return THINGS[folder] ?? folder.replace(/s$/, '');
}

/** Of its parameters and of its body. */
function namesOf(operation: Operation): string[] {
  const body = operation.requestBody?.content['application/json'] as MediaType | undefined;
  const { $ref = '' } = (body?.schema ?? {}) as { $ref?: string };
  const schema = document.components.schemas[$ref.split('/').at(-1) ?? ''] ?? {};
  const { properties = {} } = schema as { properties?: object };
  return [...(operation.parameters ?? []).map(({ name }) => name), ...Object.keys(properties)];
}
