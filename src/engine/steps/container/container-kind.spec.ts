import { compileYaml } from '../../compiler/compile-yaml.js';

const STEP_IN = { kind: 'container', image: 'node:22', shell: 'sh' };

function problems(yaml: string): string[] {
  return compileYaml(yaml).problems.map(({ code, line, message }) => `${code} ${line}: ${message}`);
}

function actions(yaml: string): unknown[] {
  const compiled = compileYaml(yaml);
  expect(compiled.problems).toEqual([]);
  return (compiled.plan?.stages ?? []).flatMap(({ steps }) => steps.map(({ action }) => action));
}

describe('steps in containers', () => {
  it('takes the nearest image, key by key', () => {
    const all = actions(`
name: x
defaults: { image: 'node:22', memory: 1g, network: none }
stages:
  - name: one
    steps:
      - echo a
      - { run: echo b, image: 'go:1', user: '5:6' }
      - { run: echo c, image: none }
  - name: two
    image: python:3
    memory: 2g
    steps:
      - echo d
      - { run: echo e, pids: 10, pull: always, shm_size: 1m }
`);
    const rest = { memory: 1024 ** 3, network: 'none' };
    const two = { image: 'python:3', memory: 2 * 1024 ** 3, network: 'none' };
    expect(all).toEqual([
      { ...STEP_IN, ...rest, commands: ['echo a'] },
      { ...STEP_IN, ...rest, image: 'go:1', user: '5:6', commands: ['echo b'] },
      { kind: 'shell', shell: 'sh', commands: ['echo c'] },
      { ...STEP_IN, ...two, commands: ['echo d'] },
      { ...STEP_IN, ...two, pids: 10, pull: 'always', shmSize: 1024 ** 2, commands: ['echo e'] },
    ]);
  });

  it('runs hooks in the image of defaults', () => {
    const { plan } = compileYaml(
      'name: x\ndefaults: { image: "node:22" }\nsteps: [echo a]\nalways: [echo b]\n',
    );
    expect(plan?.always[0]?.action).toEqual({ ...STEP_IN, commands: ['echo b'] });
  });

  it('runs what the image runs by itself where no command is given', () => {
    expect(actions('name: x\nsteps: [{ image: "tool:1", entrypoint: [run, it] }]\n')).toEqual([
      { ...STEP_IN, image: 'tool:1', entrypoint: ['run', 'it'], commands: [] },
    ]);
  });

  it('takes a shell as entrypoint that starts its arguments', () => {
    const [step] = actions(
      `name: x\nsteps: [{ image: a, entrypoint: [sh, -c, 'exec "$0" "$@"'], run: b }]\n`,
    );
    expect(step).toMatchObject({ entrypoint: ['sh', '-c', 'exec "$0" "$@"'] });
  });

  it('takes a template as an image', () => {
    const yaml =
      'name: x\nenvironment: { V: "22" }\nsteps: [{ image: "node:${{ env.V }}", run: echo a }]\n';
    expect(actions(yaml)).toMatchObject([{ image: 'node:${{ env.V }}' }]);
  });

  it.each([
    ['image: "Node"', 'invalid_image 2: "Node" is no name of an image.'],
    [
      'image: "millrace.invalid/built:1"',
      'invalid_image 2: "millrace.invalid/built:1" is no name of an image.',
    ],
    ['image: "https://x/y"', 'invalid_image 2: The name of an image has no scheme.'],
    ['image: a, user: "a b"', 'invalid_user 2: "a b" is no user.'],
    [
      'image: a, entrypoint: [sh, -c]',
      'invalid_entrypoint 2: "sh -c" would run none of the commands, and succeed.',
    ],
    [
      'image: a, entrypoint: [/bin/bash, -o, pipefail, -ec]',
      'invalid_entrypoint 2: "/bin/bash -ec" would run none of the commands, and succeed.',
    ],
    ['image: a, platform: arm', 'invalid_platform 2: "arm" is no platform.'],
    ['image: a, memory: much', 'invalid_size 2: "much" is no size.'],
    ['image: a, memory: 1k', 'out_of_range 2: Expected a size from 6 MiB to 1 TiB, found 1k.'],
    [
      'image: a, memory: 512',
      'out_of_range 2: Expected a size from 6 MiB to 1 TiB, found 512 bytes.',
    ],
    [
      'image: a, memory: 5.999m',
      'out_of_range 2: Expected a size from 6 MiB to 1 TiB, found 5.999m.',
    ],
  ])('refuses %s', (keys, problem) => {
    expect(problems(`name: x\nsteps: [{ run: b, ${keys} }]\n`)).toEqual([problem]);
  });

  it.each(['cpus: 0', 'pids: 0', 'network: host', 'pull: sometimes', 'shm_size: -1'])(
    'refuses %s',
    (key) => expect(problems(`name: x\nsteps: [{ image: a, run: b, ${key} }]\n`)).toHaveLength(1),
  );

  it.each(
    [
      ['privileged: true', 'volumes: ["/:/host"]', 'mounts: [/]', 'devices: [/dev/kvm]'],
      ['cap_add: [SYS_ADMIN]', 'security_opt: [a]', 'group_add: [docker]', 'sysctls: {}'],
      ['network: host', 'network_mode: host', 'pid: host', 'ipc: host', 'userns: host'],
      ['runtime: a', 'gpus: all', 'cgroup_parent: /', 'options: --privileged', 'ports: [80]'],
      ['restart: always', 'dns: [a]', 'extra_hosts: [a]', 'labels: {}', 'tmpfs: [/x]'],
    ].flat(),
  )('takes nothing of the machine by %s, wherever it stands', (key) => {
    const name = key.replace(/:.*/, '');
    for (const yaml of [
      `name: x\nsteps: [{ image: a, run: b, ${key} }]\n`,
      `name: x\ndefaults: { image: a, ${key} }\nsteps: [b]\n`,
      `name: x\nstages: [{ name: s, image: a, ${key}, steps: [b] }]\n`,
      `name: x\nsidecars: { d: { image: a, ${key} } }\nsteps: [b]\n`,
    ]) {
      if (name === 'ports' && yaml.includes('sidecars')) continue;
      const { plan, problems: found } = compileYaml(yaml);
      expect(plan).toBeUndefined();
      expect(found.map(({ code }) => code)).toEqual([
        expect.stringMatching(/^unknown_(key|value)$/),
      ]);
      expect(found[0]?.message).toContain(name === 'network' ? '' : `has no key "${name}"`);
    }
  });

  it('refuses keys of containers at a step that runs in none', () => {
    const [problem] = problems('name: x\nsteps: [{ name: s, run: b, memory: 1g }]\n');
    expect(problem).toMatch(/^missing_image 2: The step "s" says how its container is made/);
    expect(problems('name: x\ndefaults: { image: a }\nsteps: [{ run: b, memory: 1g }]\n')).toEqual(
      [],
    );
  });

  it('refuses a step with nothing to do', () => {
    expect(problems('name: x\nsteps: [{ name: s, image: none }]\n')).toEqual([
      'missing_action 2: The step has nothing to do.',
    ]);
  });
});
