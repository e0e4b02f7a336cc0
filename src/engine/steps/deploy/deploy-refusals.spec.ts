import { compileYaml } from '../../compiler/compile-yaml.js';

const codes = (yaml: string): string[] => compileYaml(yaml).problems.map(({ code }) => code);
const deployed = (keys: string): string =>
  `name: x\nsteps: [{ name: s, deploy: { service: shop, ${keys} } }]\n`;
const asRustci = (keys: string): string =>
  `name: x\nstages: [{ name: s, steps: [{ name: deploy, step_type: custom, config: { service: shop, ${keys} } }] }]\n`;
const inUnit = (keys: string): string =>
  `name: x\nsteps: [{ name: s, deploy: { type: hybrid, service: all, parts: [{ service: shop, ${keys} }, { type: local_service, service: b, run: b }] } }]\n`;

describe('what is deployed', () => {
  it.each(
    [
      ['privileged: true', 'volumes: ["/:/host"]', 'mounts: [/]', 'devices: [/dev/kvm]'],
      ['binds: ["/:/x"]', 'cap_add: [SYS_ADMIN]', 'cap_drop: []', 'security_opt: [a]'],
      ['network: host', 'network_mode: host', 'networks: [a]', 'pid: host', 'ipc: host'],
      ['uts: host', 'userns: host', 'cgroup_parent: /', 'runtime: a', 'gpus: all'],
      ['group_add: [docker]', 'sysctls: {}', 'options: --privileged', 'tmpfs: [/x]'],
      ['extra_hosts: [a]', 'dns: [a]', 'labels: {}', 'docker_socket: true', 'user: root'],
    ].flat(),
  )('takes nothing of the machine by %s', (key) => {
    const container = `image: "shop:1", port: 80, ${key}`;
    for (const yaml of [
      deployed(`type: docker_container, ${container}`),
      deployed(`type: local_service, run: a, ${key}`),
      asRustci(`deployment_type: docker_container, ${container}`),
      inUnit(`type: docker_container, ${container}`),
    ]) {
      expect(codes(yaml)).toContain('unknown_key');
      expect(compileYaml(yaml).plan).toBeUndefined();
    }
  });

  const directory = (keys: string): string =>
    deployed(`type: local_directory, source: out, ${keys}`);
  const ssh = 'ssh: { host: web.example, user: ada, key: KEY, known_hosts: HOSTS }';

  it.each(['"../etc"', '/srv/../etc', 'a/..', '~/shop', '"~root"'])(
    'goes to no folder %s',
    (path) => {
      expect(codes(directory(`path: ${path}`))).toEqual(['invalid_path']);
      expect(codes(directory(`path: ${path}, ${ssh}`))).toContain('invalid_path');
    },
  );

  it.each(['/etc', '"../etc"', 'a/../b', '.', './a', 'a//b', '"a*"', '"[ab]"', '"!a"', '""'])(
    'shares no folder %s',
    (path) => {
      expect(codes(directory(`shared: [${path}]`))).toHaveLength(1);
    },
  );

  it.each(['/etc', '"../x"', 'a/../../x'])('has no source %s', (source) => {
    expect(codes(deployed(`type: local_directory, source: ${source}`))).not.toEqual([]);
    expect(codes(deployed(`type: local_service, run: a, source: ${source}`))).not.toEqual([]);
  });

  it.each(['"4755"', '"02750"', '"1777"', '"888"', 'u+s', '"-755"', '"07"'])(
    'gives no permissions %s',
    (mode) => {
      for (const key of ['files', 'folders']) {
        expect(codes(directory(`permissions: { ${key}: ${mode} }`))).toHaveLength(1);
      }
    },
  );

  it.each([
    'run: "serve ${{ inputs.a }}"',
    'run: [serve, "${{ inputs.a }}"]',
    'run: a, before_switch: "migrate ${{ inputs.a }}"',
    'run: a, checks: [{ type: exec, command: "look ${{ inputs.a }}" }]',
    'run: a, checks: [{ type: exec, command: [look, "${{ inputs.a }}"] }]',
  ])('runs nothing that an expression makes: %s', (keys) => {
    const yaml = `inputs: { a: { type: string } }\n${deployed(`type: local_service, ${keys}`)}`;
    expect(codes(yaml)).toContain('expression_not_allowed');
  });
});
