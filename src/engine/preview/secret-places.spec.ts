import { compileYaml } from '../compiler/compile-yaml.js';
import { secretsOf } from '../plan/secret-names.js';
import { platformSecretsOf } from '../steps/clone-secrets.js';
import { noSecretText, secretPlaces } from './secret-places.js';

const YAML = `
name: x
repository: { url: https://git.test/acme/shop, credentials: CLONE }
secrets: [ALL]
sidecars: { db: { image: 'db:1', secrets: [OF_DB] } }
stages:
  - name: test
    sidecars: { q: { image: 'q:1', secrets: [OF_Q] } }
    steps:
      - { name: a, run: a, secrets: [ALL, TEST] }
      - { name: b, run: b, secrets: [TEST] }
  - { name: own, secrets: [OWN], steps: [e] }
on_failure: [{ name: f, run: f, secrets: [FAILED] }]
always: [{ name: g, run: g, secrets: [TIDY] }]
`;

it('names the first place of each secret, also of several that are not there', () => {
  const { plan } = compileYaml(YAML);
  if (!plan) throw new Error('no plan');
  const places = secretPlaces(plan);
  // Whoever resolves secrets, or refuses what names any, goes by these.
  const all = new Set([...secretsOf(plan), ...platformSecretsOf(plan)]);
  expect(new Set(places.keys())).toEqual(all);
  expect(Object.fromEntries(places)).toEqual({
    ALL: 'the pipeline',
    CLONE: 'the repository of the pipeline',
    OF_DB: 'sidecar "db"',
    OF_Q: 'sidecar "q" of stage "test"',
    TEST: 'step "a" of stage "test"',
    OWN: 'stage "own"',
    FAILED: 'step "f" of on_failure',
    TIDY: 'step "g" of always',
  });
  expect(noSecretText(['TEST'], places)).toBe(
    'There is no secret TEST (named by step "a" of stage "test")',
  );
  expect(noSecretText(['OWN', 'ALL'], places)).toBe(
    'There are no secrets OWN (named by stage "own"), ALL (named by the pipeline)',
  );
});
