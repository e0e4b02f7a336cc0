import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { standIn } from '../../../../test/support/stand-in.js';
import type { CachePlan } from '../../../engine/plan/caches-plan.js';
import type { AttemptFacts } from '../../../engine/plan/run-state.js';
import { FakeHandler } from '../../../engine/runtime/run-plan.fixture.js';
import type { StepAttempt, StepOutcome } from '../../../engine/runtime/step-handler.js';
import { diskObjectStore } from '../../../integrations/object-store/disk/disk-object-store.js';
import { parseObjectKey } from '../../../integrations/object-store/object-key.js';
import type { StepUserScripts } from '../../../workspaces/step-user-scripts.js';
import { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import { CacheStore } from '../../caches/cache-store.js';
import { MemoryCaches } from '../../caches/memory-caches.fixture.js';
import { CachedStepHandler } from './cached-step.handler.js';
import { RunCaches } from './run-caches.js';
import { StepAdditions } from './step-additions.js';

const NPM: CachePlan = { tool: 'npm' };
const ADDRESS = { stage: 's', step: 'x', attempt: 1 };

interface RunOptions {
  readonly lock?: string | undefined;
  readonly kind?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly caches?: readonly CachePlan[];
}
const SUCCESS: StepOutcome = { kind: 'success', exitCode: 0 };

describe('CachedStepHandler', () => {
  let base: string;
  let records: MemoryCaches;
  let told: string[];
  let facts: AttemptFacts;
  let abort: AbortController;
  let additions: StepAdditions;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'mr-cached-'));
    records = new MemoryCaches();
    told = [];
    facts = {};
    abort = new AbortController();
    additions = new StepAdditions();
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  /** A run of one step, in a workspace of its own with a lock file. */
  async function run(
    name: string,
    work: (folder: string) => StepOutcome,
    { lock = 'a', kind = 'shell', environment = {}, caches: plans = [NPM] }: RunOptions = {},
  ): Promise<StepOutcome> {
    const root = join(base, name);
    const directory = join(root, 'workspace');
    mkdirSync(directory, { recursive: true });
    if (lock !== '') writeFileSync(join(directory, 'package-lock.json'), lock);
    const workspace = { root, directory, home: '', temporary: '', owner: undefined };
    const caches = new RunCaches(
      new CacheStore(diskObjectStore(join(base, 'objects')), records, 10_000),
      new WorkspaceStore(base, undefined, standIn<StepUserScripts>({})),
      { executionId: name, pipelineId: 'p', trigger: { type: 'push' } as never },
      workspace,
      new WorkspaceOwnership(workspace, undefined),
      { systemLine: (_address, line) => void told.push(line) },
    );
    const inner = new FakeHandler(kind, ({ attempt }) =>
      work(attempt.environment['npm_config_cache'] ?? ''),
    );
    const attempt = {
      address: ADDRESS,
      action: { kind },
      environment,
      caches: plans,
    } as unknown as StepAttempt;
    const progress = {
      begin: () => undefined,
      tell: (more: AttemptFacts) => void (facts = { ...facts, ...more }),
    };
    return new CachedStepHandler(inner, caches, additions).run(attempt, abort.signal, progress);
  }
  const fill = (folder: string): StepOutcome => {
    mkdirSync(join(folder, '_cacache'), { recursive: true });
    writeFileSync(join(folder, '_cacache/entry'), 'kept');
    return SUCCESS;
  };
  const codes = (): unknown =>
    facts.caches?.map(({ name, restored, saved }) => [name, restored.code, saved?.code]);

  it('is a miss, then a hit that is not saved again; why stands with the try', async () => {
    expect(await run('one', fill)).toBe(SUCCESS);
    expect(codes()).toEqual([['npm', 'cache_miss', 'cache_saved']]);
    let found = '';
    await run('two', (folder) => {
      found = readFileSync(join(folder, '_cacache/entry'), 'utf8');
      return SUCCESS;
    });
    expect(found).toBe('kept');
    expect(codes()).toEqual([['npm', 'cache_hit', undefined]]);
    expect(told.map((line) => line.split(':').slice(0, 2).join(':'))).toEqual([
      'cache npm: miss',
      expect.stringMatching(/^cache npm: saved as npm-/),
      'cache npm: hit',
    ]);
  });

  it('of other lock files is restored, and saved again', async () => {
    await run('one', fill);
    await run('two', () => SUCCESS, { lock: 'b' });
    expect(codes()).toEqual([['npm', 'cache_older', 'cache_saved']]);
    expect(records.all.size).toBe(2);
  });

  it.each([
    { kind: 'failed', exitCode: 1 },
    { kind: 'aborted' },
    { kind: 'infrastructure', reason: { code: 'c', message: 'm' } },
  ] as const)('is not saved when the step ended so: %j', async (outcome) => {
    const end = await run('one', (folder) => {
      fill(folder);
      return outcome;
    });
    expect(end).toBe(outcome);
    expect(records.all.size).toBe(0);
    expect(codes()).toEqual([['npm', 'cache_miss', undefined]]);
  });

  it('is neither restored nor saved without a lock file', async () => {
    await run('one', fill, { lock: '' });
    expect(codes()).toEqual([['npm', 'cache_no_key', undefined]]);
    expect(records.all.size).toBe(0);
  });

  it('fails no step when it cannot be saved', async () => {
    const end = await run('one', (folder) => {
      fill(folder);
      writeFileSync(join(folder, '_cacache/large'), Buffer.alloc(1_000_000));
      return SUCCESS;
    });
    expect(end).toBe(SUCCESS);
    expect(codes()).toEqual([['npm', 'cache_miss', 'cache_not_saved']]);
    expect(records.all.size).toBe(0);
  });

  it('is a miss, and is removed, when its archive is broken', async () => {
    await run('one', fill);
    const [cache] = [...records.all.values()];
    if (!cache) throw new Error('nothing was saved');
    const objects = diskObjectStore(join(base, 'objects'));
    const key = parseObjectKey(cache.objectKey);
    if (!key) throw new Error(`no key: ${cache.objectKey}`);
    await objects.delete(key);
    await objects.put(key, Readable.from([Buffer.from('broken')]));
    await run('two', () => SUCCESS);
    expect(codes()).toEqual([['npm', 'cache_miss', 'cache_not_saved']]);
    expect(records.all.size).toBe(0);
  });

  it('is mounted in a container, and named there by its variable', async () => {
    let seen = '';
    await run(
      'one',
      (folder) => {
        seen = folder;
        return SUCCESS;
      },
      { kind: 'container' },
    );
    expect(seen).toBe('/millrace/cache/npm');
    const { mounts } = additions.take(ADDRESS);
    const [mount] = mounts;
    expect(mount?.target).toBe(seen);
    expect(mount?.source).toBe(join(base, 'one', 'cache-npm'));
  });

  it('tells which options an image may have set, too: those that the step has not', async () => {
    const tools: readonly CachePlan[] = [{ tool: 'go' }, { tool: 'maven' }, { tool: 'npm' }];
    const options = { kind: 'container', caches: tools };
    await run('one', () => SUCCESS, options);
    expect(additions.take(ADDRESS).options).toEqual(['GOFLAGS', 'MAVEN_OPTS']);
    await run('two', () => SUCCESS, { ...options, environment: { MAVEN_OPTS: '-Xmx1g' } });
    expect(additions.take(ADDRESS).options).toEqual(['GOFLAGS']);
  });

  it('has codes that docs/reasons.md explains', () => {
    const source = readFileSync(join(__dirname, 'cache-reasons.ts'), 'utf8');
    const page = readFileSync(join(__dirname, '../../../../docs/reasons.md'), 'utf8');
    const all = new Set(source.match(/cache_[a-z_]+/g));
    expect(all.size).toBe(7);
    for (const code of all) expect(page).toContain(`\`${code}\``);
  });
});
