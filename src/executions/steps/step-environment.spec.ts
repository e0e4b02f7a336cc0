import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../config/paths.js';
import { platformVariables } from '../../engine/runtime/step-environment.js';
import { stepEnvironment } from './step-environment.js';

const workspace = {
  root: '/w',
  directory: '/w/work',
  home: '/w/home',
  temporary: '/w/tmp',
  owner: undefined,
};

describe('the environment of a step', () => {
  it('lets a pipeline replace PATH and HOME, but not what names workspace and outputs', () => {
    const given = { PATH: '/opt/bin', HOME: '/x', CI_WORKSPACE: '/evil', CI_OUTPUT: '/evil' };
    expect(stepEnvironment(workspace, '/w/outputs/1', given)).toEqual({
      PATH: '/opt/bin',
      HOME: '/x',
      TMPDIR: '/w/tmp',
      LANG: 'C.UTF-8',
      CI_WORKSPACE: '/w/work',
      CI_OUTPUT: '/w/outputs/1',
    });
  });

  it('is told whole in docs/pipeline-yaml.md', () => {
    const page = readFileSync(join(packageRoot(), 'docs/pipeline-yaml.md'), 'utf8');
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
      { stage: 's', step: 'x', attempt: 1 },
    );
    const names = Object.keys(stepEnvironment(workspace, '/w/outputs/1', platform));
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
