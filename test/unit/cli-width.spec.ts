import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import stringWidth from 'string-width';
import { describeProgram, runProgram } from '../../src/cli/program.js';
import { samplesOf, type Schema } from '../support/schema-samples.js';
import { WrittenTerminal } from '../support/written-text.js';

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const file = resolve(__dirname, '../../openapi.json');
const { paths, components } = JSON.parse(readFileSync(file, 'utf8')) as Document;

const ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
/** Of a deployment; no execution has it. */
const DEPLOYMENT = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4c';
/** A pipeline with mistakes, which need more than a line. */
const WRONG_FILE = 'test/unit/cli-width.pipeline.yaml';
const NAME = 'checkout-service-nightly-regression';
const SENTENCE =
  'The step "integration-tests" failed because the container of the database ended with exit code 137 (killed: out of memory).';
/** Texts of the length that people give them, by the property that holds them. */
const TEXTS: readonly (readonly [property: RegExp, text: string])[] = [
  [/(^|_)id$/, ID],
  [/^(message|description|reason|suggestion|text|why)$/, SENTENCE],
  [/^(path)$/, 'build/reports/integration-tests/index.html'],
  [/^(hash)$/, '4f0c3d2a1b2c3d4e5f60718293a4b5c6'.repeat(2)],
  [/^(digest|sha|commit|commit_hash)$/, '4f0c3d2a1b2c3d4e5f60718293a4b5c6d7e8f901'],
  [/^(full_name)$/, 'acme-platform-team/checkout-service'],
  [/^(url|repository)$/, 'https://git.example.com/acme-platform-team/checkout-service'],
  [/^(version)$/, '0.12.3'],
  [/^(worker_name|host)$/, 'build-eu-central-1-4711'],
  [/name$|^(stage|step|service|branch|key|test|suite|actor|login)$/, NAME],
];

/** Each text of a value by what holds it; lists with three of each. */
function filled(value: unknown, property = ''): unknown {
  // An audit that holds says what to note.
  if (property === 'first_break') return null;
  if (Array.isArray(value)) {
    return (value as unknown[])
      .flatMap((each) => [each, each, each])
      .map((each) => filled(each, property));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, filled(each, name)]),
    );
  }
  // A delivery that is not decided yet is waited for.
  if (value === 'received') return 'done';
  const [, text] = TEXTS.find(([pattern]) => pattern.test(property)) ?? [];
  return typeof value === 'string' && text !== undefined && !ENUMS.has(value) ? text : value;
}

/** Words of the API stay what they are. */
const ENUMS = new Set<unknown>(enumsIn(components.schemas));

function enumsIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const { enum: words = [] } = value as Schema;
  return [...words, ...Object.values(value).flatMap((each: unknown) => enumsIn(each))];
}

/** What the document says that a server answers. */
function answerTo(method: string, path: string): unknown {
  const parts = path.split('/');
  const fits = (template: string): boolean => {
    const expected = template.split('/');
    return (
      expected.length === parts.length &&
      expected.every((part, index) => part.startsWith('{') || part === parts[index])
    );
  };
  const found = Object.keys(paths)
    .filter(fits)
    .sort((a, b) => a.split('{').length - b.split('{').length);
  const { responses = {} } = paths[found[0] ?? '']?.[method.toLowerCase()] ?? {};
  const answer = responses[200] ?? responses[201] ?? responses[202];
  const { schema = {} } = answer?.content?.['application/json'] ?? {};
  const page = schema.oneOf?.find(({ type }) => type === 'object') ?? schema;
  const [sample] = samplesOf(page, components.schemas);
  return filled(sample);
}

/**
 * What steps, services and files say is shown as it is: `run`, `logs`, `services logs` and
 * `pipelines diff` are not here.
 */
const PRINTED = [
  ...['status', `status ${ID}`, `explain ${ID}`, 'pipelines', `pipelines get ${ID}`],
  ...[`pipelines versions ${ID}`, `pipelines stats ${ID}`],
  ...[`pipelines alerts ${ID}`, 'deployments', `deployments show ${ID}`, 'environments'],
  ...['environments show x', 'services', 'services show x', 'services health x'],
  ...['services alerts x', 'secrets', 'secrets keys', 'repositories', 'deliveries'],
  ...[`deliveries show ${ID}`, `schedules ${ID}`, 'tokens', 'service-accounts', 'audit'],
  ...['workers', 'ports', 'caches', `artifacts ${ID}`, `tests ${ID}`, `tests flaky ${ID}`],
  ...['plan examples/hello.yaml', 'detect .', `plan ${ID}`],
  ...[`explain ${DEPLOYMENT}`, `lint ${WRONG_FILE}`, `trigger ${ID} --no-follow`],
  ...[`apply examples/hello.yaml --pipeline ${ID}`],
  ...[`repositories check ${ID}`, `deliveries replay ${ID} --dry-run`, 'audit verify'],
];
/** Lists of some of what there is. */
const PARTS = [
  ...['status --state failed', 'status --branch main', 'status --cursor x', 'pipelines --cursor x'],
  ...['deployments --service x', 'deliveries --event push', `caches --pipeline ${ID}`],
  ...['tokens --cursor x', 'repositories --cursor x', 'service-accounts --cursor x'],
  `pipelines alerts ${ID}`,
];

describe('what the command line prints', () => {
  let server: Server;

  beforeAll(async () => {
    server = createServer(({ method = '', url = '' }, answer) => {
      const [path = ''] = url.split('?', 1);
      answer.setHeader('content-type', 'application/json');
      if (path === `/api/ci/executions/${DEPLOYMENT}/explain`) {
        const error = { error: 'NotFoundError', message: SENTENCE, suggestions: [] };
        answer.writeHead(404).end(JSON.stringify(error));
        return;
      }
      answer.end(JSON.stringify(answerTo(method, path)));
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  });

  afterAll(() => server.close());

  async function printed(line: string, columns: number): Promise<string> {
    const written = new WrittenTerminal({ columns });
    const { port } = server.address() as AddressInfo;
    const words = line.split(' ');
    const isLocal = line === 'detect .' || line.endsWith('.yaml');
    const asked = isLocal ? [] : ['--server', `http://127.0.0.1:${port}`, '--token', 'x'];
    await runProgram(['node', 'millrace', ...words, ...asked], written.terminal);
    expect(written.err).not.toMatch(/^millrace: /m);
    return written.out;
  }

  it.each(
    [80, 120].flatMap((columns) => [...PRINTED, ...PARTS].map((line) => [columns, line] as const)),
  )('fits %i columns: %s', async (columns, line) => {
    const lines = (await printed(line, columns)).split('\n');
    expect(lines.length).toBeGreaterThan(1);
    // A command to copy is one word; commands that are named by whole ids are longer.
    const wide = lines.filter(
      (each) => stringWidth(each) > columns && !each.trim().startsWith('./millrace '),
    );
    expect(wide).toEqual([]);
  });

  it.each(PARTS)('shows ids whole where they are of some of a list: %s', async (line) => {
    const rows = await printed(line, 80);
    expect(rows.split(ID).length).toBeGreaterThan(1);
    expect(rows).not.toMatch(new RegExp(`${ID.slice(0, 13)}(?!${ID.slice(13)})`));
  });

  it.each(['pipelines', 'tokens', 'service-accounts', 'repositories'])(
    'shows ids whole where there is room: %s',
    async (line) => {
      expect(await printed(line, 300)).toContain(ID);
    },
  );

  it.each(['status', 'pipelines', 'services', 'deployments', 'workers', 'tokens'])(
    'shows names whole and ids short in 80 columns: %s',
    async (line) => {
      const rows = await printed(line, 80);
      expect(rows).not.toContain(ID);
      expect(rows).toContain(NAME);
    },
  );
});

describe('help', () => {
  it.each(allCommands(describeProgram(new WrittenTerminal().terminal, () => undefined)))(
    'fits 80 columns: %s',
    (_name, command) => {
      const wide = command
        .helpInformation()
        .split('\n')
        .filter((line) => line.length > 80);
      expect(wide).toEqual([]);
    },
  );
});

function allCommands(command: Command, before = ''): (readonly [string, Command])[] {
  const name = `${before}${command.name()}`;
  return [[name, command], ...command.commands.flatMap((each) => allCommands(each, `${name} `))];
}
