import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../../config/paths.js';
import { fixedVariables, HOST_VARIABLES } from '../../../engine/runtime/base-environment.js';
import type { ShellAction } from '../../../engine/steps/shell/shell-action.js';
import { platformVariables } from '../../../engine/runtime/step-environment.js';
import { StepHost } from './step-environment.js';

const workspace = {
  root: '/w',
  directory: '/w/work',
  home: '/w/home',
  temporary: '/w/tmp',
  owner: undefined,
};
const first = { stage: 's', step: 'x', attempt: 1 };

describe('StepHost', () => {
  it('gives what the engine expects of a host, for a step and outside of steps', () => {
    const ofStep = new StepHost(workspace).variables(first);
    expect(ofStep).toEqual({
      HOME: '/w/home',
      TMPDIR: '/w/tmp',
      USER: userInfo().username,
      LOGNAME: userInfo().username,
      JAVA_TOOL_OPTIONS: '-Duser.home=/w/home',
      CI_WORKSPACE: '/w/work',
      CI_OUTPUT: '/w/outputs-1',
    });
    expect(Object.keys(ofStep).sort()).toEqual([...HOST_VARIABLES].sort());
    expect(new StepHost(workspace).variables(undefined)).not.toHaveProperty('CI_OUTPUT');
  });

  it('names the user that steps run as', () => {
    const owner = { name: 'builder', uid: 1, gid: 1 };
    const { USER, LOGNAME } = new StepHost({ ...workspace, owner }).variables(undefined);
    expect([USER, LOGNAME]).toEqual(['builder', 'builder']);
  });

  it('says the same of a try until it begins, and gives every try a number of its own', () => {
    const host = new StepHost(workspace);
    const second = { ...first, attempt: 2 };
    const outputOf = (address: typeof first) => host.variables(address)['CI_OUTPUT'];
    expect([outputOf(first), outputOf(second), outputOf(first)]).toEqual([
      '/w/outputs-1',
      '/w/outputs-2',
      '/w/outputs-1',
    ]);
    expect([host.begin(second), host.begin(first), host.begin(first)]).toEqual([2, 1, 3]);
  });

  it('writes a home with blanks and quotes as Java reads it', () => {
    const home = `/a b/c"d'e`;
    const { JAVA_TOOL_OPTIONS } = new StepHost({ ...workspace, home }).variables(undefined);
    expect(JAVA_TOOL_OPTIONS).toBe(`-Duser.home="/a b/c"'"'"d'e"`);
  });
});

describe('the environment of a step', () => {
  it('is told whole in docs/pipeline-yaml.md', () => {
    const page = readFileSync(join(packageRoot(), 'docs/pipeline-yaml.md'), 'utf8');
    const table = page.slice(page.indexOf('\n## Environment'), page.indexOf('\n## Triggers'));
    const platform = platformVariables(
      {
        executionId: 'e',
        pipelineId: 'p',
        pipelineName: 'n',
        executionAttempt: 1,
        trigger: { event: 'manual' },
        inputs: {},
        environment: {},
      },
      { branch: 'b', tag: 't', commit: 'c' },
      first,
    );
    const action: ShellAction = { kind: 'shell', shell: 'sh', commands: [] };
    const fixed = fixedVariables(action);
    const names = [platform, fixed, new StepHost(workspace).variables(first)].flatMap(Object.keys);
    expect(names).toContain('SHELL');
    expect(names.filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
  });
});
