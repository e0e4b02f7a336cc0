import { compileYaml } from '../../compiler/compile-yaml.js';
import type { Scope } from '../../expression/scope.js';
import { standIn } from '../../../../test/support/stand-in.js';
import { deployKind } from './deploy-kind.js';
import type { UnitDeploy } from './deploy-action.js';

const yaml = `name: x
steps:
  - name: ship
    deploy:
      type: hybrid
      service: shop
      environment: \${{ inputs.where }}
      keep: 7
      parts:
        - { type: docker_container, service: api, image: "api:1", port: 80, needs: [db, db], secrets: [TOKEN] }
        - { type: local_directory, service: assets, source: dist }
        - { type: local_service, service: db, run: [./db], needs: assets, secrets: [PASSWORD] }
triggers: [{ manual: { inputs: { where: { type: string, default: staging } } } }]
`;
const step = compileYaml(yaml).plan?.stages[0]?.steps[0];

it('parts stand behind those that they need, and have what is of the unit', () => {
  expect(step?.secrets).toEqual(['TOKEN', 'PASSWORD']);
  const { type, parts } = step?.action as UnitDeploy;
  expect(type).toBe('hybrid');
  expect(parts.map(({ needs, deploy }) => [deploy.service, deploy.type, needs])).toEqual([
    ['assets', 'local_directory', []],
    ['db', 'local_service', ['assets']],
    ['api', 'docker_container', ['db']],
  ]);
  for (const { deploy } of parts) {
    expect(deploy).toMatchObject({ keep: 7, environment: '${{ inputs.where }}' });
    expect(deploy).not.toHaveProperty('secretUses');
  }
});

it('expressions of parts are filled in, and the plan names the parts', () => {
  const action = step?.action as UnitDeploy;
  const scope = standIn<Scope>({ inputs: { where: 'production' } });
  const { action: rendered } = deployKind.prepare(action, scope);
  expect(rendered).toMatchObject({
    environment: 'production',
    parts: action.parts.map(() => ({ deploy: { environment: 'production' } })),
  });
  expect(deployKind.view(action).summary).toContain('assets, db, api');
});
