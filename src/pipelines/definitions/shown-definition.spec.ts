import { principalOf } from '../../auth/principals/principal.js';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import { seesExactText, shownExactly, shownMasked } from './shown-definition.js';

const CREDENTIALS = ['s3cret-token', 'in-a-command', 'of-an-environment'];
const YAML = `name: p
description: clones https://ci:s3cret-token@git.test/a.git
repository: https://ci:s3cret-token@git.test/a.git
environment: { PROXY: "http://u:of-an-environment@proxy.test" }
stages:
  - name: a
    steps:
      - name: x
        # the token is s3cret-token
        run: git clone https://x:in-a-command@git.test/b.git
`;

function stored(yaml: string) {
  const { plan, problems } = compileYaml(yaml);
  if (!plan) throw new Error(JSON.stringify(problems));
  const { description, stages, environment } = plan;
  return { plan, pipeline: { description, stages, environment, yaml_content: yaml } };
}

function show(yaml: string) {
  const { plan, pipeline } = stored(yaml);
  return { pipeline, shown: shownMasked(pipeline, ['description', 'stages', 'environment'], plan) };
}

describe('a definition as readers see it', () => {
  it('shows no credential of a URL, wherever it stands, and says so', () => {
    const { shown } = show(YAML);
    for (const credential of CREDENTIALS) expect(JSON.stringify(shown)).not.toContain(credential);
    expect(shown.credentials_masked).toBe(true);
    expect(shown.yaml_content).toMatch(/^# Credentials in URLs are masked.*pipelines:write\.\n/);
    expect(shown.yaml_content).toContain('repository: https://***@git.test/a.git');
    expect(compileYaml(shown.yaml_content).plan?.name).toBe('p');
  });

  it('leaves what holds none as it was', () => {
    const { pipeline, shown } = show('name: p\nsteps: [{ run: "mail ada@example.org" }]\n');
    expect(shown).toEqual({ ...pipeline, credentials_masked: false });
  });

  it('keeps a byte order mark first', () => {
    expect(show(`\ufeff${YAML}`).shown.yaml_content.slice(0, 3)).toBe('\ufeff# ');
  });

  it('exactly, for those alone who may write pipelines', () => {
    const { pipeline } = stored(YAML);
    expect(shownExactly(pipeline)).toEqual({ ...pipeline, credentials_masked: false });
    const of = (role: 'viewer' | 'developer' | 'service_account') =>
      principalOf({ id: 'ada', kind: 'user', role });
    expect(seesExactText(of('developer'))).toBe(true);
    expect(seesExactText(of('viewer'))).toBe(false);
    expect(seesExactText(of('service_account'))).toBe(false);
    const narrow = principalOf({ id: 'ada', kind: 'user', role: 'developer' }, ['pipelines:read']);
    expect(seesExactText(narrow)).toBe(false);
  });
});
