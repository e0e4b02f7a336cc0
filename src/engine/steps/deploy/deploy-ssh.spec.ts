import { compileYaml } from '../../compiler/compile-yaml.js';

const LINE = 'web.example ssh-ed25519 AAAA';
const step = (ssh: string, keys = 'path: /srv/shop'): string =>
  `name: x\nsteps: [{ name: s, deploy: { type: local_directory, service: shop, ${keys}, ssh: ${ssh} } }]\n`;
const problems = (yaml: string): string[] =>
  compileYaml(yaml).problems.map(({ code, message }) => `${code}: ${message}`);
const compiled = (yaml: string) => compileYaml(yaml).plan?.stages[0]?.steps[0];

describe('deploy to another host', () => {
  it('names the secrets that the step is given', () => {
    const hosts = '{ host: Web.example, user: deploy, key: DEPLOY_KEY, known_hosts: HOSTS }';
    expect(compiled(step(hosts))).toMatchObject({
      secrets: ['DEPLOY_KEY', 'HOSTS'],
      action: {
        path: '/srv/shop',
        ssh: {
          ...{ host: 'web.example', port: 22, user: 'deploy', key: 'DEPLOY_KEY' },
          knownHosts: { secret: 'HOSTS' },
        },
      },
    });
    expect(compiled(step(hosts))?.action).not.toHaveProperty('secretUses');
  });

  it('takes lines of known_hosts as they are', () => {
    const ssh = `{ host: "::1", port: 2222, user: deploy, key: DEPLOY_KEY, known_hosts: "${LINE}\\n${LINE}\\n" }`;
    expect(compiled(step(ssh))).toMatchObject({
      secrets: ['DEPLOY_KEY'],
      action: { ssh: { host: '::1', port: 2222, knownHosts: { text: `${LINE}\n${LINE}` } } },
    });
  });

  it('changes nothing of a deployment to this host', () => {
    const yaml =
      'name: x\nsteps: [{ name: s, deploy: { type: local_directory, service: shop } }]\n';
    expect(compiled(yaml)?.action).toEqual({
      ...{ kind: 'deploy', type: 'local_directory', service: 'shop', environment: 'default' },
      ...{ path: 'shop', keep: 5 },
    });
    expect(compiled(yaml)).not.toHaveProperty('secrets');
  });

  it.each([
    ['host: "${{ inputs.host }}", user: u, key: K, known_hosts: H', 'invalid_host'],
    ['host: "a b", user: u, key: K, known_hosts: H', 'invalid_host'],
    ['host: "u@web", user: u, key: K, known_hosts: H', 'invalid_host'],
    ['host: "-oProxyCommand=x", user: u, key: K, known_hosts: H', 'invalid_host'],
    ['host: web, user: "-l", key: K, known_hosts: H', 'invalid_name'],
    ['host: web, user: "${{ inputs.user }}", key: K, known_hosts: H', 'invalid_name'],
    ['host: web, user: u, key: "a key", known_hosts: H', 'invalid_name'],
    ['host: web, user: u, key: K, known_hosts: H, port: 0', 'out_of_range'],
    ['host: web, user: u, key: K', 'missing_key'],
    ['host: web, user: u, known_hosts: H', 'missing_key'],
  ])('refuses { %s }', (ssh, code) => {
    expect(problems(step(`{ ${ssh} }`))).toEqual([expect.stringMatching(`^${code}: `)]);
  });

  it.each(['path: shop', 'keep: 3'])('asks for a whole path instead of %s', (keys) => {
    const ssh = '{ host: web, user: u, key: K, known_hosts: H }';
    expect(problems(step(ssh, keys))).toEqual([
      'invalid_path: On another host the folder is named whole.',
    ]);
  });
});
