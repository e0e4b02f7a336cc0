import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileYaml } from '../../compiler/compile-yaml.js';
import { definitionDocument } from '../../definition/definition-document.js';
import type { DeployAction } from './deploy-action.js';
import { KEYS_OF } from './release-keys.js';

const yamlOf = (config: string, name = 'deploy-it', head = ''): string =>
  `name: Shop API!\n${head}stages:\n  - name: Ship\n    steps:\n      - { name: ${name}, step_type: custom, config: ${config} }\n`;

function actionsOf(yaml: string): DeployAction[] {
  const { plan, problems } = compileYaml(yaml);
  if (plan === undefined) throw new Error(JSON.stringify(problems));
  return plan.stages.flatMap(({ steps }) => steps.map(({ action }) => action as DeployAction));
}

const meant = (config: string, name?: string, head?: string): DeployAction | undefined =>
  actionsOf(yamlOf(config, name, head))[0];

const problems = (config: string, name?: string, head?: string): string[] =>
  compileYaml(yamlOf(config, name, head)).problems.map(({ code }) => code);

const PORTS = 'environment: { PORTS: "8000:3000", MODE: live }\n';

describe('step_type: custom', () => {
  it.each(['deployment_type: local_directory', 'plugin_name: local-directory'])(
    'deploys as it says: %s',
    (said) => {
      const action = meant(`{ ${said}, service: shop, path: /srv/shop, source: dist }`, 'ship');
      expect(action).toEqual({
        ...{ kind: 'deploy', type: 'local_directory', service: 'shop', environment: 'default' },
        ...{ keep: 5, path: '/srv/shop', source: 'dist' },
      });
    },
  );

  it.each([
    ['{ image: "shop:1", port: 80 }', 'x', '', 'docker_container', 'config has image, port'],
    ['{ run: ./shop }', 'x', '', 'local_service', 'config has run'],
    ['{ path: /srv }', 'x', PORTS, 'local_directory', 'config has path'],
    ['{}', 'local', PORTS, 'local_directory', 'the name of the step has "local" in it'],
    ['{}', 'x', '', 'local_directory', 'nothing names an image, a program or a port'],
    ['{}', 'x', 'environment: { DISTROLESS: "false" }\n', 'local_directory', 'nothing names'],
  ])('chooses a type for %s of deploy-%s and says why', (config, name, head, type, why) => {
    const action = meant(config, `deploy-${name}`, head);
    expect(action).toMatchObject({
      ...{ type, chosen: expect.stringContaining(`${type}, because ${why}`) as string },
    });
  });

  it.each([
    ['{}', 'Deploy', PORTS],
    ['{}', 'release', 'environment: { DISTROLESS: "true" }\n'],
    ['{ environment: { PORTS: "1:2" } }', 'deploy', ''],
  ])('makes a container of what has a port, as %s of %s', (config, name, head) => {
    expect(meant(config, name, head)).toMatchObject({
      ...{ type: 'docker_container', source: '.', findsGate: true },
    });
  });

  it.each([
    ['dockerfile: D', { context: '.', dockerfile: 'D' }],
    ['dockerfile: D, image: "shop:1"', { context: '.', dockerfile: 'D', tags: ['shop:1'] }],
    ['build_context: api, image: shop', { context: 'api', tags: ['shop'] }],
    ['build: { context: api, target: last }', { context: 'api', target: 'last' }],
  ])('builds an image with %s', (config, build) => {
    const action = meant(`{ ${config} }`);
    expect(action).toMatchObject({ type: 'docker_container' });
    expect(action).toHaveProperty('build', { kind: 'build', ...build });
    expect(action).not.toHaveProperty('image');
  });

  it('is reached at PORTS, and gives its program what its environment says', () => {
    const config = '{ image: "shop:1", environment: { LEVEL: 2 } }';
    expect(meant(config, 'deploy', PORTS)).toMatchObject({
      ...{ service: 'shop-api', port: 3000, published: { address: '127.0.0.1', port: 8000 } },
      variables: { MODE: '${{ env.MODE }}', LEVEL: '${{ env.LEVEL }}' },
    });
    const service = '{ deployment_type: local_service, run: ./shop }';
    const head = 'environment: { PORTS: "0:3000", PORT: 3000, DISTROLESS: "true", A: b }\n';
    const action = meant(service, 'x', head);
    expect(action).toMatchObject({ type: 'local_service', published: { address: '127.0.0.1' } });
    expect(action).toHaveProperty('variables', { A: '${{ env.A }}' });
    expect(action).not.toHaveProperty('published.port');
  });

  it('takes nothing of the environment where config says it', () => {
    const config =
      '{ image: "shop:1", port: 80, variables: { A: b }, environment: production, service: web }';
    const action = meant(config, 'deploy', PORTS);
    expect(action).toMatchObject({ environment: 'production', service: 'web', port: 80 });
    expect(action).toMatchObject({ published: { address: '127.0.0.1' }, variables: { A: 'b' } });
  });

  it.each([
    ['{ plugin_name: slack }', 'deploy', '', 'UnsupportedStepType'],
    ['{}', 'notify', '', 'UnsupportedStepType'],
    ['{ deployment_type: kubernetes }', 'deploy', '', 'UnsupportedDeploymentType'],
    ['{ deployment_type: AWS }', 'x', '', 'UnsupportedDeploymentType'],
    ['{ deployment_type: docker }', 'x', '', 'unknown_value'],
    ['{ image: "a:1" }', 'deploy', 'environment: { PORTS: "1:2,3:4" }\n', 'invalid_ports'],
    ['{ image: "a:1" }', 'deploy', 'environment: { PORTS: "8000" }\n', 'invalid_ports'],
    ['{ image: "a:1" }', 'deploy', 'environment: { PORTS: "1:70000" }\n', 'invalid_ports'],
    ['{ image: "a:1", path: /srv }', 'deploy', '', 'deployment_type_unknown'],
    ['{ publish: 80 }', 'deploy', '', 'deployment_type_unknown'],
    ['{ script: y }', 'deploy', '', 'unknown_key'],
    ['{ build_context: ., path: /srv }', 'deploy', '', 'deployment_type_unknown'],
    ['{ deployment_type: local_directory, build_context: . }', 'x', '', 'conflicting_keys'],
    ['{ image: "a:1", build: . }', 'deploy', '', 'conflicting_keys'],
    ['{ build: a, build_context: b }', 'deploy', '', 'conflicting_keys'],
    ['{ source: a, build_context: b }', 'deploy', '', 'conflicting_keys'],
    ['{ image: "!" }', 'deploy', '', 'invalid_image'],
    ['{ image: "!", dockerfile: D }', 'deploy', '', 'invalid_image'],
    ['{}', 'deploy-local-service', '', 'deployment_type_unknown'],
    [
      ...(['{}', 'deploy', 'environment: { DISTROLESS: "${{ trigger.branch }}" }\n'] as const),
      'deployment_type_unknown',
    ],
  ])('refuses %s of %s', (config, name, head, code) => {
    expect(problems(config, name, head)).toEqual([code]);
  });

  it('names one service by the pipeline, and not two', () => {
    const step = '{ name: deploy-NR, step_type: custom, config: { path: /srv/NR } }';
    const steps = ['a', 'b'].map((name) => step.replaceAll('NR', name)).join(', ');
    const found = compileYaml(`name: x\nsteps: [${steps}]\n`).problems;
    expect(found.map(({ code, path }) => [code, path])).toEqual([['missing_key', 'steps[1].name']]);
    expect(compileYaml(`name: "!"\nsteps: [${step}]\n`).problems).toMatchObject([
      { code: 'missing_key', suggestion: 'Add service: <name> to config' },
    ]);
  });
});

describe('the document of a deployment', () => {
  const ROUTED =
    'publish: { address: "::", port: 80 }, variables: { A: "${{ inputs.a }}" }, secrets: [S], gate: { path: /h, status: 200-399, body: ok, timeout: 500s, stable: 500ms }, drain: 90, keep_assets: 10m, watch: 60, checks: [{ type: exec, name: ready, command: [./ready, ""], interval: 1500ms, timeout: 1 }], before_switch: [npm, run, migrate]';
  it.each([
    '{ type: local_directory, service: shop }',
    '{ type: local_directory, service: shop, environment: prod, keep: 2, allow_older: true, path: /srv/a, source: dist, exclude: ["*.map"], shared: [up], permissions: { files: "0640" } }',
    '{ type: local_directory, service: shop, path: /srv/a, ssh: { host: h, user: u, key: K, known_hosts: "h ssh-ed25519 AAAA" } }',
    '{ type: local_directory, service: shop, path: /srv/a, ssh: { host: h, port: 23, user: u, key: K, known_hosts: H } }',
    '{ type: docker_container, service: shop }',
    '{ type: docker_container, service: shop, source: api, gate: /h }',
    '{ type: docker_container, service: shop, source: api, dockerfile: D, port: 80 }',
    '{ type: docker_container, service: shop, build: { context: a, dockerfile: D, target: t, args: { A: b }, tags: ["x:1"], labels: { l: m }, secrets: [K], cache_from: true, push: true, platform: linux/arm64, pull: always, network: none } }',
    `{ type: docker_container, service: shop, image: "a:1", port: 80, pull: never, command: [a, b], cpus: 1.5, memory: 2000m, pids: 9, ${ROUTED} }`,
    '{ type: docker_container, service: shop, image: "a:1", port: 80, publish: { domain: a.example, path: /x } }',
    '{ type: local_service, service: shop }',
    `{ type: hybrid, service: shop, keep: 2, parts: [{ type: local_directory, service: a, path: /srv/a }, { type: docker_container, service: b, image: "a:1", needs: [a], ${ROUTED} }] }`,
    `{ type: local_service, service: shop, on_failure: alert, ${ROUTED} }`,
    `{ type: local_service, service: shop, on_failure: rollback, ${ROUTED} }`,
    `{ type: docker_container, service: shop, image: "a:1", port: 80, on_failure: { actions: [rollback, restart], max: 9, window: 1h, backoff: 1500ms }, restart: { max: 3 }, ${ROUTED} }`,
    `{ type: local_service, service: shop, run: [a, ""], source: x, exclude: [b], port_variable: P, memory: 10g, restart: { max: 0, window: 1500ms, backoff: 2s }, ${ROUTED} }`,
  ])('means the same when it is read again: %s', (deploy) => {
    const head =
      'name: x\nsecrets: [K, H]\ntriggers: [{ manual: { inputs: { a: { default: x } } } }]\nenvironment: { PORTS: "1:2", B: c }\n';
    const own = `${head}steps: [{ name: ship, deploy: ${deploy} }]\n`;
    const { definition } = compileYaml(own);
    if (definition === undefined) throw new Error('it does not compile');
    const { stages } = definitionDocument(definition);
    const again = `${head}stages: ${JSON.stringify(stages)}\n`;
    expect(actionsOf(again)).toEqual(actionsOf(own));
  });

  it('tells what was chosen for a step in the form of RustCI', () => {
    const { definition } = compileYaml(yamlOf('{ image: "a:1" }', 'deploy', PORTS));
    if (definition === undefined) throw new Error('it does not compile');
    const { stages } = definitionDocument(definition);
    expect(stages[0]?.steps[0]).toMatchObject({
      step_type: 'custom',
      config: {
        deployment_type: 'docker_container',
        service: 'shop-api',
        image: 'a:1',
        port: 3000,
      },
    });
  });
});

describe('the scenario of every key', () => {
  const scenarios = join(__dirname, '../../../../test/scenarios/lint');
  const text = readFileSync(join(scenarios, 'step-deploy-every-key.yaml'), 'utf8');
  it.each(Object.entries(KEYS_OF))('has those of %s', (_type, keys) => {
    expect(keys.filter((key) => !new RegExp(`[ {]${key}:(?: |$)`, 'm').test(text))).toEqual([]);
  });
});
