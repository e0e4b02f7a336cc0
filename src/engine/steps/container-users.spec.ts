import { compileYaml } from '../compiler/compile-yaml.js';
import { containerUsers } from './container-users.js';
import { usesContainers } from './uses-containers.js';

const planOf = (text: string) => {
  const { plan, problems } = compileYaml(text);
  if (!plan) throw new Error(JSON.stringify(problems));
  return plan;
};

describe('containerUsers', () => {
  it('names steps, hooks and sidecars that need an engine', () => {
    const plan = planOf(`name: x
sidecars: { db: { image: 'postgres:17' } }
stages:
  - name: one
    steps: [{ name: in, image: a, run: b }, { name: out, run: c }, { name: made, build: . }]
always: [{ name: last, image: a, run: d }]
`);
    expect(containerUsers(plan)).toEqual(['one/in', 'one/made', 'always/last', 'sidecar db']);
    expect(usesContainers(plan)).toBe(true);
  });

  it('names deployments of containers, and no others', () => {
    const plan = planOf(`name: x
steps:
  - { name: web, deploy: { type: docker_container, service: web } }
  - { name: api, deploy: { type: local_service, service: api } }
`);
    expect(containerUsers(plan)).toEqual(['main/web']);
  });

  it('names none of a pipeline of shell steps', () => {
    const plan = planOf('name: x\nsteps: [echo a]\n');
    expect([containerUsers(plan), usesContainers(plan)]).toEqual([[], false]);
  });
});
