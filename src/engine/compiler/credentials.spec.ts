import { checkoutRepository } from '../runtime/initial-state.js';
import { context } from '../runtime/run-plan.fixture.js';
import { cloneSecretsOf } from '../steps/clone-secrets.js';
import type { Plan } from '../plan/plan.js';
import { compileYaml } from './compile-yaml.js';

const of = (repository: string): string => `name: x\nrepository: ${repository}\nsteps: [a]\n`;

function compiled(yaml: string): Plan {
  const { plan, problems } = compileYaml(yaml);
  if (plan === undefined) throw new Error(JSON.stringify(problems));
  return plan;
}

describe('credentials of a clone', () => {
  it('are names of secrets, also in a git step, and no step gets them', () => {
    const plan = compiled(`name: x
repository: { url: https://h.test/a/b, credentials: A_KEY }
steps:
  - name: more
    step_type: github
    config: { repository_url: https://h.test/c/d, credentials: { username: B_USER, password: B_PASS } }
`);
    expect(plan.repository?.credentials).toEqual({ token: 'A_KEY' });
    expect(cloneSecretsOf(plan)).toEqual(['A_KEY', 'B_USER', 'B_PASS']);
    expect(JSON.stringify(plan)).not.toContain('"secrets"');
  });

  it('go to the host that the pipeline names, and to no other that a trigger names', () => {
    const plan = compiled(of('{ url: https://h.test/a/b, credentials: A_KEY }'));
    const asked = (repository: string) =>
      checkoutRepository(plan, context({ trigger: { event: 'manual', repository } }), undefined)
        ?.credentials;
    expect(asked('https://H.test/a/fork')).toEqual({ token: 'A_KEY' });
    for (const other of ['https://evil.test/a/b', 'http://h.test/a/b', 'https://h.test:1/a/b']) {
      expect(asked(other)).toBeUndefined();
    }
  });

  it.each([
    ['{ url: "https://${{ inputs.h }}/a/b", credentials: A_KEY }', 'host is written out'],
    ['{ url: https://u:p@h.test/a/b, credentials: A_KEY }', 'holds credentials'],
    ['{ url: https://h.test/a/b, credentials: { ssh_key: A_KEY } }', 'ssh_key belongs'],
    ['{ url: https://h.test/a/b, credentials: { token: A, password: B } }', 'a token, or'],
    ['{ url: https://h.test/a/b, credentials: { password: B } }', 'needs a username'],
    ['{ url: https://h.test/a/b, credentials: { username: B } }', 'a token, or'],
    ['{ url: https://h.test/a/b, credentials: { token: A, known_hosts: B } }', 'known_hosts'],
  ])('%s is refused', (repository, why) => {
    const { problems } = compileYaml(of(repository));
    const told = problems.filter(({ code }) => code === 'invalid_credentials');
    expect(told.map(({ message }) => message)).toEqual([expect.stringContaining(why)]);
  });
});
