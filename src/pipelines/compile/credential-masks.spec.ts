import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import { credentialMasks } from './credential-masks.js';

describe('credentialMasks', () => {
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
    const masks = credentialMasks(plan, 'https://u:third%2Fsecret@example.org/c.git');
    expect(masks).toEqual(
      expect.arrayContaining(['first-secret', 'second-secret', 'third/secret', 'third%2Fsecret']),
    );
    expect(credentialMasks({ ...plan, repository: undefined, stages: [] }, null)).toEqual([]);
  });
});
