import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import type { RunContext } from '../../engine/plan/plan.js';
import type { RunFlags } from '../command/flags.js';
import { runContext } from './run-context.js';
import type { GitCheckout } from './tree/git-checkout.js';

const YAML = `
name: shop
triggers:
  - manual:
      inputs:
        target: { type: choice, options: [staging, production], default: staging }
        copies: { type: number, default: 1 }
        dry: { type: boolean }
steps: [make]
`;
const REPOSITORY = 'https://u:t0ken@example.com/acme/shop.git';
const CHECKOUT: GitCheckout = {
  root: '/shop',
  branch: 'trunk',
  commit: 'c0ffee',
  remotes: [],
  isChanged: false,
};

function contextOf(
  flags: RunFlags,
  { checkout, yaml = YAML }: { readonly checkout?: GitCheckout; readonly yaml?: string } = {},
): Promise<RunContext> {
  return runContext(compileYaml(yaml), flags, checkout);
}

/** Exit code, message and suggestions. */
async function refusalOf(flags: RunFlags, yaml?: string): Promise<unknown> {
  return contextOf(flags, yaml === undefined ? {} : { yaml }).catch((error: unknown) => {
    const { exitCode, message, suggestions } = error as Record<string, unknown>;
    return [exitCode, message, suggestions];
  });
}

describe('runContext', () => {
  it('is the first attempt of an execution of its own, by hand, of no checkout', async () => {
    const [one, other] = [await contextOf({}), await contextOf({})];
    expect(one).toMatchObject({ pipelineName: 'shop', executionAttempt: 1, environment: {} });
    expect(one.executionId).not.toBe(other.executionId);
    expect(one.trigger).toEqual({ event: 'cli', actor: 'cli' });
    expect(one).not.toHaveProperty('repositoryUrl');
  });

  it('has inputs of their types, and the default of what is not given', async () => {
    const inputs = async (input?: Record<string, string>): Promise<unknown> =>
      (await contextOf(input === undefined ? {} : { input })).inputs;
    expect(await inputs()).toEqual({ target: 'staging', copies: 1, dry: false });
    expect(await inputs({ copies: '3', dry: 'true', target: 'production' })).toEqual({
      target: 'production',
      copies: 3,
      dry: true,
    });
  });

  it('refuses inputs that the pipeline does not take, all of them at once', async () => {
    expect(await refusalOf({ input: { copis: '3', target: 'nowhere' } })).toEqual([
      2,
      'The pipeline has no input "copis". Did you mean "copies"?\n' +
        'The input "target" must be one of staging, production. Give one of staging, production',
      [],
    ]);
    expect(await refusalOf({ input: { copies: 'x' } }, 'name: p\nsteps: [make]\n')).toEqual([
      2,
      'The pipeline has no input "copies". The pipeline declares none: triggers: [{ manual: { inputs: … } }]',
      [],
    ]);
    const required = YAML.replace('{ type: boolean }', '{ type: string, required: true }');
    expect(await refusalOf({}, required)).toEqual([
      2,
      'The input "dry" is required. Give a string',
      [],
    ]);
  });

  it.each<[RunFlags, RunContext['trigger']]>([
    [{}, { event: 'cli', actor: 'cli', branch: 'trunk', commit: 'c0ffee' }],
    [{ branch: 'next' }, { event: 'cli', actor: 'cli', branch: 'next', commit: 'c0ffee' }],
    [{ tag: 'v1' }, { event: 'cli', actor: 'cli', tag: 'v1', commit: 'c0ffee' }],
    [
      { event: 'push', branch: 'next' },
      { event: 'push', actor: 'cli', branch: 'next', commit: 'c0ffee' },
    ],
  ])('of a checkout, with %j, is of %j', async (flags, trigger) => {
    expect((await contextOf(flags, { checkout: CHECKOUT })).trigger).toEqual(trigger);
  });

  it('names the repository that the checkout stands for, without credentials', async () => {
    const yaml = (url: string): string => `name: p\nrepository: "${url}"\nsteps: [make]\n`;
    const urlOf = async (url: string, checkout?: GitCheckout): Promise<unknown> =>
      (await contextOf({}, { yaml: yaml(url), ...(checkout && { checkout }) })).repositoryUrl;
    expect(await urlOf(REPOSITORY.replace('u:t0ken@', ''), CHECKOUT)).toBe(
      'https://example.com/acme/shop.git',
    );
    expect(await urlOf(REPOSITORY, CHECKOUT)).not.toContain('t0ken');
    // What is cloned says it itself.
    expect(await urlOf(REPOSITORY)).toBeUndefined();
    expect(await urlOf('https://example.com/${{ inputs.name }}.git', CHECKOUT)).toBeUndefined();
  });

  it('has variables of the file, under those of the command line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'run-context-'));
    try {
      const envFile = join(folder, 'variables');
      writeFileSync(envFile, 'A=file\nB=file\n__proto__=file\n');
      const { environment } = await contextOf({ envFile, env: { A: 'line' } });
      expect(Object.entries(environment).sort()).toEqual([
        ['A', 'line'],
        ['B', 'file'],
        ['__proto__', 'file'],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses variables that nobody may set, and says how many more there are', async () => {
    const one = await refusalOf({ env: { CI_X: '1' } });
    expect(one).toEqual([2, expect.stringContaining('"CI_X" is reserved'), expect.anything()]);
    expect(await refusalOf({ env: { CI_X: '1', 'a b': '1', CI_Y: '1' } })).toEqual([
      2,
      expect.stringMatching(/ \(and 2 more\)$/),
      expect.anything(),
    ]);
  });
});
