import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileYaml } from '../compiler/compile-yaml.js';

const root = join(__dirname, '../../..');

/** Files that were written for Millrace, right and wrong ones. */
const ours = ['test/scenarios', 'test/e2e', 'examples'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ya?ml$/.test(file))
    .map((file) => join(folder, file)),
);

describe('a file of another system', () => {
  it.each([
    ['GitHub Actions', 'name: ci\non: push\njobs: { a: { runs-on: x, steps: [{ run: make }] } }\n'],
    ['GitHub Actions', 'on: push\njobs: { a: { uses: acme/x/.github/workflows/a.yml@main } }\n'],
    ['GitLab', 'stages: [build]\nbuild: { stage: build, script: [make] }\n'],
    ['GitLab', 'include: [a.yml]\nunit: { script: make }\n'],
    ['Woodpecker', 'when: { event: push }\nsteps: [{ name: a, image: go, commands: [make] }]\n'],
    ['Woodpecker', 'steps: { a: { image: go, commands: [make] } }\n'],
    ['Drone', 'kind: pipeline\nname: a\nsteps: [{ name: a, image: go, commands: [make] }]\n'],
    ['CircleCI', 'version: 2.1\njobs: { a: { docker: [{ image: go }], steps: [checkout] } }\n'],
    ['Azure', 'trigger: [main]\npool: { vmImage: ubuntu-latest }\nsteps: [{ script: make }]\n'],
    ['Azure', 'stages: [{ stage: a, jobs: [{ job: b, steps: [{ script: make }] }] }]\n'],
    ['Buildkite', 'steps: [{ label: a, command: make }, { wait: null }]\n'],
    [
      'Azure',
      'name: $(Date:yyyyMMdd)$(Rev:.r)\nstages: [{ stage: a, steps: [{ script: make }] }]\n',
    ],
    ['Azure', 'name: app\nstages: [{ stage: a, jobs: [{ job: b }] }]\n'],
    ['Azure', 'name: app\njobs: [{ job: b, steps: [{ script: make }] }]\n'],
    ['Azure', 'name: app\njobs: [{ deployment: b, environment: prod }]\n'],
    ['Azure', 'name: app\nsteps: [{ task: NodeTool@0, inputs: { versionSpec: 22 } }]\n'],
    ['Azure', 'trigger: [main]\nsteps: [{ script: npm ci }]\n'],
    ['Azure', 'trigger: none\nsteps: [{ script: npm ci }]\n'],
    ['Azure', 'trigger: { branches: { include: [main] } }\nsteps: [{ script: npm ci }]\n'],
    ['Azure', 'pr: [main]\nsteps: [{ script: npm ci }]\n'],
    ['Azure', 'steps: [{ bash: npm ci }]\n'],
    ['Azure', 'steps: [{ template: steps.yml }]\n'],
    [
      'Azure',
      'resources: { repositories: [{ repository: t, name: a/b }] }\nextends: { template: a.yml@t }\n',
    ],
    ['Azure', 'name: app\nextends: { template: a.yml }\n'],
    ['Azure', 'resources: { pipelines: [{ pipeline: a, source: b }] }\nsteps: [{ script: a }]\n'],
    ['Drone', 'kind: pipeline\ntype: docker\nname: a\nsteps: []\n---\nkind: secret\nname: b\n'],
    ['Drone', 'kind: secret\nname: token\nget: { path: a, name: b }\n'],
    ['Drone', 'kind: signature\nhmac: 0a1b\n'],
    ['GitLab', 'include: [a.yml]\n'],
    ['GitLab', 'include: { local: a.yml }\nvariables: { A: b }\n'],
    ['GitLab', 'include: [a.yml]\ndefault: { image: go }\n.base: { image: go }\n'],
    ['GitLab', 'spec: { inputs: { a: null } }\n---\nunit: { script: make }\n'],
    ['GitLab', 'workflow: { rules: [{ when: always }] }\nunit: { image: go }\n'],
    ['Woodpecker', 'steps: { told: { image: plugins/slack } }\n'],
    ['Woodpecker', 'steps: [{ name: told, image: woodpeckerci/plugin-git }]\n'],
    ['Woodpecker', 'steps: [{ name: told, image: acme/told, when: [{ event: push }] }]\n'],
    ['Woodpecker', 'when: [{ event: push }]\nsteps: [{ name: told, image: acme/told }]\n'],
    ['Woodpecker', 'pipeline: { test: { image: go, commands: [make] } }\n'],
    ['Woodpecker', 'pipeline: [{ name: test, image: go, commands: [make] }]\n'],
    ['Bitbucket', 'image: go\npipelines: { default: [{ step: { script: [make] } }] }\n'],
    ['Travis', 'language: go\nscript: make\n'],
  ])('of %s is told as such first', (system, yaml) => {
    const [first, ...others] = compileYaml(yaml).problems;
    expect(first).toMatchObject({ line: 1, column: 1, severity: 'error', code: 'foreign_file' });
    expect(first?.message).toMatch(new RegExp(`^This is a \\w+ of ${system}, and no pipeline`));
    expect(others).not.toEqual([]);
    expect(others.filter(({ code }) => code === 'foreign_file')).toEqual([]);
  });

  it.each([
    'steps: [make]\n',
    'name: x\nstages: [build]\n',
    'name: x\nsteps: [{ image: go }]\n',
    'name: x\njobs: { a: { steps: [make] } }\n',
    'name: x\nsteps: [{ command: make }]\n',
    'steps: [{ image: go, run: make }]\n',
    'steps: [{ image: go }]\n',
    'name: x\npool: 1\nversion: 1\nsteps: [make]\n',
    'nmae: x\nx-shared: { script: make }\nstages: [{ name: a, steps: [make] }]\n',
    'environment: { trigger: a }\n',
    'kind: pipeline\nname: x\nsteps: [{ run: make }]\n',
    'name: x\npool: { name: gpu }\nsteps: [make]\n',
    'steps: [{ command: make }]\n',
    'name: $(Date)\nsteps: [{ script: make }]\n',
    'name: x\nstages: [{ stage: a, steps: [make] }]\n',
    'trigger: [push]\nsteps: [{ script: make }]\n',
    'trigger: push\nsteps: [{ script: make }]\n',
    'trigger: []\nsteps: [{ script: make }]\n',
    'name: x\ntrigger: [main]\nsteps: [{ script: make }]\n',
    'name: x\nsteps: [{ task: build, run: make }]\n',
    'name: x\nsteps: [{ bash: make }]\n',
    'name: x\nextends: other\nsteps: [make]\n',
    'name: x\nresources: { memory: 1g }\nsteps: [make]\n',
    'include: [a.yml]\nenvironment: { A: b }\n',
    'name: x\ninclude: [a.yml]\n',
    'name: x\nsteps: [make]\n---\nname: y\nsteps: [make]\n',
    'kind: secrets\nname: x\nsteps: [make]\n',
    'steps: [{ image: go, when: success() }]\n',
    'steps: { vet: { image: go, run: vet } }\n',
    'name: x\nsteps: [{ image: plugins/slack }]\n',
    'pipeline: { name: x, defaults: { image: go }, steps: [make] }\n',
    'name: x\nlanguage: go\nscript: make\n',
  ])('is not what has a mistake: %s', (yaml) => {
    expect(compileYaml(yaml).problems.map(({ code }) => code)).not.toContain('foreign_file');
  });
});

describe('a file of Millrace', () => {
  it('is there', () => expect(ours.length).toBeGreaterThan(400));

  it.each(ours)('is not told as one of another system: %s', (file) => {
    const { problems } = compileYaml(readFileSync(join(root, file), 'utf8'));
    expect(problems.map(({ code }) => code)).not.toContain('foreign_file');
  });
});
