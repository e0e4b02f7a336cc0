import { compileYaml } from '../compiler/compile-yaml.js';
import { platformSecretsOf } from '../steps/clone-secrets.js';

const of = (registries: string) =>
  compileYaml(`name: x\nregistries: ${registries}\nsteps: [{ image: a, run: b }]\n`);
const LOGIN = '{ username: USER, password: PASSWORD }';

describe('registries', () => {
  it('are hosts, normalised, with two secrets each that no step gets', () => {
    const { plan, problems } = of(
      `{ GHCR.io: ${LOGIN}, 'registry-1.docker.io': ${LOGIN}, '127.0.0.1:5000': ${LOGIN} }`,
    );
    expect(problems).toEqual([]);
    const secrets = { username: 'USER', password: 'PASSWORD' };
    expect(plan?.registries).toEqual([
      { registry: 'ghcr.io', ...secrets },
      { registry: 'docker.io', ...secrets },
      { registry: '127.0.0.1:5000', ...secrets },
    ]);
    expect(plan && platformSecretsOf(plan)).toEqual(['USER', 'PASSWORD']);
    expect(plan).not.toHaveProperty('secrets');
  });

  it.each([
    [`{ ghcr: ${LOGIN} }`, 'invalid_registry'],
    [`{ 'https://ghcr.io': ${LOGIN} }`, 'invalid_registry'],
    [`{ ghcr.io/team: ${LOGIN} }`, 'invalid_registry'],
    [`{ '\${{ env.X }}': ${LOGIN} }`, 'invalid_registry'],
    [`{ docker.io: ${LOGIN}, index.docker.io: ${LOGIN} }`, 'duplicate_name'],
    ['{ ghcr.io: { username: USER } }', 'missing_key'],
    ['{ ghcr.io: { username: USER, password: "a b" } }', 'invalid_name'],
    ['[ghcr.io]', 'wrong_type'],
  ])('%s: %s', (registries, code) => {
    expect(of(registries).problems.map((problem) => problem.code)).toEqual([code]);
  });
});
