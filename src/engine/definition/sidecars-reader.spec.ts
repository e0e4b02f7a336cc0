import { compileYaml } from '../compiler/compile-yaml.js';
import type { Plan } from '../plan/plan.js';

const codes = (yaml: string): readonly string[] =>
  compileYaml(yaml).problems.map(({ code, path }) => `${code} ${path}`);

function planOf(yaml: string): Plan {
  const { plan, problems } = compileYaml(yaml);
  if (!plan) throw new Error(JSON.stringify(problems));
  return plan;
}

const one = (sidecar: string): string => `name: x\nsidecars: { db: ${sidecar} }\nsteps: [echo]\n`;

describe('sidecars', () => {
  it('are in the plan with what was written, and the defaults of ready', () => {
    const { sidecars } = planOf(
      one(
        "{ image: 'pg:1', command: [a, b], environment: [A=1], secrets: S, ports: [1, 2], memory: 64m, pull: missing, ready: { http: /up } }",
      ),
    );
    expect(sidecars).toEqual([
      {
        ...{ name: 'db', needs: [], image: 'pg:1', command: ['a', 'b'], memory: 64 * 1024 ** 2 },
        ...{ environment: { A: '1' }, secrets: ['S'], ports: [1, 2] },
        ready: {
          probe: { kind: 'http', path: '/up', port: 1 },
          ...{ intervalMs: 1000, timeoutMs: 60_000 },
        },
      },
    ]);
  });

  it('leave no trace in a plan that has none', () => {
    const plan = planOf(
      'name: x\nsidecars: {}\nstages: [{ name: s, sidecars: {}, steps: [echo] }]',
    );
    expect(JSON.stringify(plan)).not.toContain('sidecars');
  });

  it('stand in the plan in the order in which they can be started', () => {
    const plan = planOf(
      'name: x\nsidecars: { a: { image: i, needs: [c, b] }, b: { image: i }, c: { image: i, needs: b } }\nstages: [{ name: s, sidecars: { d: { image: i, needs: [a] } }, steps: [echo] }]',
    );
    expect(plan.sidecars?.map(({ name }) => name)).toEqual(['b', 'c', 'a']);
    // What it needs of the pipeline is ready before its stage begins.
    expect(plan.stages[0]?.sidecars?.map(({ needs }) => needs)).toEqual([[]]);
  });

  it('take a text of exec to a shell, and a list as it is', () => {
    const probe = (exec: string): unknown =>
      planOf(one(`{ image: i, ready: { exec: ${exec} } }`)).sidecars?.[0]?.ready?.probe;
    expect(probe("'a || b'")).toMatchObject({ command: ['/bin/sh', '-c', 'a || b'] });
    expect(probe('[a, b]')).toMatchObject({ command: ['a', 'b'] });
  });

  it.each([
    ['{ image: i, ready: { tcp: 1, exec: a } }', 'conflicting_keys sidecars.db.ready'],
    ['{ image: "millrace.invalid/built:1" }', 'invalid_image sidecars.db.image'],
    ['{ image: i, ready: { timeout: 5s } }', 'missing_key sidecars.db.ready'],
    ['{ image: i, ready: { http: /a } }', 'missing_key sidecars.db.ready'],
    ['{ image: i, port: 1, ready: { http: a } }', 'invalid_path sidecars.db.ready.http'],
    [
      "{ image: i, ready: { exec: 'a ${{ env.A }}' } }",
      'misplaced_expression sidecars.db.ready.exec',
    ],
    ["{ image: i, command: ['${{ env.A }}'] }", 'misplaced_expression sidecars.db.command[0]'],
    ['{ port: 1 }', 'missing_key sidecars.db'],
    ['{ image: none }', 'missing_image sidecars.db'],
    ['{ image: A B }', 'invalid_image sidecars.db.image'],
    ['{ image: i, needs: dbs }', 'unknown_need sidecars.db.needs'],
    ['{ image: i, needs: db }', 'dependency_cycle sidecars.db'],
    ['{ image: i, secrets: A, environment: [A=1] }', 'secret_and_variable sidecars.db.secrets'],
    [
      "{ image: i, environment: { A: '${{ env.B }}', B: '${{ env.A }}' } }",
      'variable_cycle sidecars.db.environment.A',
    ],
    ['{ image: i, volumes: [a] }', 'unknown_key sidecars.db.volumes'],
    ['{ image: i, network: none }', 'unknown_key sidecars.db.network'],
    ['{ image: i, privileged: true }', 'unknown_key sidecars.db.privileged'],
  ])('refuse %s', (sidecar, problem) => {
    expect(codes(one(sidecar))).toEqual([problem]);
  });

  it.each(['Db', 'a_b', '-a', 'a-', 'localhost', 'a.b', '1a', '__proto__', 'a'.repeat(64)])(
    'refuse the name %s',
    (name) => {
      const found = codes(`name: x\nsidecars: { ${name}: { image: i } }\nsteps: [echo]\n`);
      expect(found[0]).toMatch(/^invalid_name /);
    },
  );

  const twoStages = (needs: string): string =>
    `name: x\nstages:\n  - { name: a, sidecars: { db: { image: i } }, steps: [echo] }\n  - { name: b, ${needs} sidecars: { db: { image: i } }, steps: [echo] }\n`;

  it('have one name in two stages where one is over before the other begins', () => {
    expect(codes(twoStages(''))).toEqual([]);
    expect(codes(twoStages('needs: [],'))).toEqual(['duplicate_name stages[1].sidecars.db']);
  });

  it('of a stage have no name of the pipeline, and no name of a step in the log', () => {
    const yaml =
      "name: x\nsidecars: { db: { image: i } }\nstages: [{ name: s, sidecars: { db: { image: i }, q: { image: i } }, steps: [{ name: 'sidecar:q', run: a }] }]";
    expect(codes(yaml)).toEqual([
      'duplicate_name stages[0].sidecars.db',
      'duplicate_name stages[0].steps[0].name',
    ]);
  });

  it('are what `services` is told to write', () => {
    const told = compileYaml('name: x\nservices: {}\nsteps: [echo]\n').problems[0];
    expect(told).toMatchObject({ code: 'unknown_key', suggestion: 'Write sidecars' });
  });
});
