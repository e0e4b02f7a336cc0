import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import { runMasks } from './credential-masks.js';

describe('runMasks', () => {
  it('finds the credentials of every URL that an execution clones from', () => {
    const { plan } = compileYaml(`
name: masks
repository: https://user:first-secret@example.org/a.git
stages:
  - name: s
    steps:
      - name: clone
        step_type: github
        config: { repository_url: "https://second-secret@example.org/b.git" }
      - { name: run, run: echo }
`);
    if (!plan) throw new Error('the pipeline does not compile');
    const masks = runMasks(plan, 'https://u:third%2Fsecret@example.org/c.git');
    for (const secret of ['first-secret', 'second-secret', 'third/secret', 'third%2Fsecret']) {
      expect(masks.maskText(`<${secret}>`)).toBe('<***>');
    }
    expect(runMasks({ ...plan, repository: undefined, stages: [] }, null).size).toBe(0);
  });
});
