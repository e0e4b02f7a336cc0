import { compileYaml } from '../compiler/compile-yaml.js';
import type { TriggerContext } from '../plan/plan.js';
import { neededSecrets } from './needed-secrets.js';

const YAML = `
name: x
repository: { url: https://git.test/acme/shop, credentials: CLONE }
secrets: [ALL]
sidecars: { db: { image: 'db:1', secrets: [OF_DB] } }
stages:
  - name: test
    steps:
      - { name: a, run: a, secrets: [TEST] }
      - { name: b, run: b, secrets: [ON_MAIN], when: "trigger.branch == 'main'" }
  - name: deploy
    when: trigger.event == 'push'
    secrets: [DEPLOY]
    sidecars: { q: { image: 'q:1', secrets: [OF_Q] } }
    steps:
      - { name: c, run: c, secrets: [DEPLOY_STEP] }
      - name: d
        step_type: git_hub
        config: { repository_url: https://git.test/acme/more, working_directory: d, credentials: MORE }
  - name: own
    when: env.OWN == 'x'
    secrets: [OWN]
    steps: [e]
on_failure: [{ run: f, secrets: [FAILED] }]
always: [{ run: g, secrets: [TIDY], when: "trigger.event == 'tag'" }]
`;

function needed(trigger: TriggerContext): string[] {
  const { plan, problems } = compileYaml(YAML);
  if (!plan) throw new Error(JSON.stringify(problems));
  const mask = (text: string): string => text;
  const of = { pipelineName: 'x', trigger, inputs: {}, environment: {}, mask };
  return [...neededSecrets(plan, of).keys()].sort();
}

const ALWAYS = ['ALL', 'CLONE', 'FAILED', 'OF_DB', 'OWN', 'TEST'];

it.each<[string, TriggerContext, readonly string[]]>([
  ['a pull request', { event: 'pull_request' }, []],
  [
    'a push to main',
    { event: 'push', branch: 'main' },
    ['DEPLOY', 'DEPLOY_STEP', 'OF_Q', 'MORE', 'ON_MAIN'],
  ],
  ['another push', { event: 'push', branch: 'topic' }, ['DEPLOY', 'DEPLOY_STEP', 'OF_Q', 'MORE']],
  ['a tag', { event: 'tag', tag: 'v1' }, ['TIDY']],
  // The remote says which branch that is.
  ['by hand, of no named branch', { event: 'manual' }, ['ON_MAIN']],
])('of %s it knows what is skipped whatever happens', (_name, trigger, more) => {
  expect(needed(trigger)).toEqual([...ALWAYS, ...more].sort());
});
