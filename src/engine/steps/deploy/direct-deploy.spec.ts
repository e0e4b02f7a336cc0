import { type BesideDeploy, readDirectDeploy } from './direct-deploy.js';

const refusals = (deploy: unknown, beside: BesideDeploy = {}): readonly string[] => {
  const read = readDirectDeploy(deploy, beside);
  return read.kind === 'read' ? [] : read.problems.map(({ code, path }) => `${code} ${path}`);
};
const FILES: BesideDeploy = { artifact: {} };
const container = (more: object = {}): object => ({
  ...{ type: 'docker_container', service: 'shop', image: 'shop:1', ...more },
});

describe('readDirectDeploy', () => {
  it('reads what a step would, with the same defaults', () => {
    const keys = { port: 3000, publish: 8080, secrets: ['TOKEN'], watch: '60s', gate: '/health' };
    expect(readDirectDeploy(container(keys))).toMatchObject({
      kind: 'read',
      secrets: ['TOKEN'],
      action: {
        ...{ type: 'docker_container', environment: 'default', keep: 5, image: 'shop:1' },
        ...{ published: { address: '127.0.0.1', port: 8080 }, watchMs: 60_000, drainMs: 10_000 },
        gate: { path: '/health', timeoutMs: 60_000 },
      },
    });
    const folder = { type: 'local_directory', service: 'site', source: 'dist' };
    expect(readDirectDeploy(folder, FILES)).toMatchObject({ action: { path: 'site' } });
  });

  it('takes every name of a variable as it is sent', () => {
    const sent: unknown = JSON.parse(
      JSON.stringify(container()).replace('}', ', "variables": {"constructor": "a", "A": "1.10"}}'),
    );
    const read = readDirectDeploy(sent);
    expect(read).toMatchObject({ action: { variables: { A: '1.10' } } });
    if (read.kind !== 'read' || read.action.type === 'local_directory') throw new Error('is read');
    expect(Object.keys(read.action.variables)).toEqual(['constructor', 'A']);
  });

  it.each([
    ['an unknown key', container({ privileged: true }), ['unknown_key deploy.privileged']],
    ['a key of another type', container({ path: '/x' }), ['conflicting_keys deploy.path']],
    ['a bad value', container({ port: 0 }), ['out_of_range deploy.port']],
    ['an unknown type', { type: 'helm', service: 's' }, ['UnsupportedDeploymentType deploy.type']],
    ['no map', [], ['wrong_type deploy']],
    ['nothing of it', {}, ['missing_key deploy', 'missing_key deploy']],
  ])('refuses %s as a step does, by its path', (_what, deploy, expected) => {
    expect(refusals(deploy)).toEqual(expected);
  });

  it('refuses what only a step has, and says what to write', () => {
    expect(refusals(container({ image: 'shop:${{ inputs.tag }}' }))).toEqual([
      'expression_not_allowed deploy.image',
    ]);
    expect(refusals(container({ variables: { A: '${{ trigger.branch }}' } }))).toEqual([
      'expression_not_allowed deploy.variables.A',
    ]);
    expect(refusals({ type: 'docker_container', service: 's' })).toEqual([
      'step_needed deploy.image',
    ]);
    const built = { type: 'docker_container', service: 's', dockerfile: 'Dockerfile' };
    expect(refusals(built)).toEqual(['step_needed deploy.image']);
    const parts = [{ type: 'local_service', service: 'b', run: './b' }];
    expect(refusals({ type: 'hybrid', service: 's', parts }, FILES)).toEqual([
      'step_needed deploy.type',
    ]);
    const ssh = { host: 'web', user: 'ada', key: 'KEY', known_hosts: 'HOSTS' };
    const elsewhere = { type: 'local_directory', service: 's', path: '/srv/s', ssh };
    expect(refusals(elsewhere, { ...FILES, host: 'h' })).toEqual(['conflicting_keys host']);
    expect(refusals(elsewhere, FILES)).toEqual([]);
    expect(refusals(container(), FILES)).toEqual(['conflicting_keys artifact']);
    expect(refusals({ type: 'local_directory', service: 's' })).toEqual(['missing_key artifact']);
    expect(refusals({ type: 'local_service', service: 's' }, FILES)).toEqual([
      'missing_key deploy.run',
    ]);
    expect(refusals({ type: 'local_service', service: 's', run: './s' }, FILES)).toEqual([]);
  });
});
