import { ownTime } from '../../../test/support/own-time.js';
import fc from 'fast-check';
import { compileYaml } from '../compiler/compile-yaml.js';
import type { StagePlan } from '../plan/plan.js';
import { inOrder, parallelStage, plan, sequential, step } from '../runtime/run-plan.fixture.js';
import { LABEL_LENGTH, mermaidLabel, mermaidText } from './mermaid-text.js';
import { planGraph, type PlanGraph } from './plan-graph.js';
import { previewRun } from './run-preview.js';

type Plan = ReturnType<typeof plan>;

function graphOf(of: Plan): PlanGraph {
  const shown = previewRun(of, {
    pipelineName: of.name,
    trigger: { event: 'manual' },
    inputs: {},
    environment: {},
    mask: (text) => text,
  });
  return planGraph(of, shown, of.repository !== undefined);
}

/**
 * What of Mermaid's grammar for flowcharts the text uses, read strictly: anything else is an error.
 */
interface Chart {
  readonly labels: Map<string, string>;
  readonly parents: Map<string, string | null>;
  readonly edges: [string, string][];
  readonly classes: Map<string, string>;
}

const ID = '[a-z][0-9_]*';
/** A quoted label without anything that could end it or that Mermaid or Markdown would read. */
const LABEL = '"((?:[\\p{L}\\p{M}\\p{N} ,./…-]|#\\d{1,7};)+)"';

function parse(text: string): Chart {
  expect(text.endsWith('\n')).toBe(true);
  const [header, ...lines] = text.slice(0, -1).split('\n');
  expect(header).toBe('flowchart LR');
  const chart: Chart = { labels: new Map(), parents: new Map(), edges: [], classes: new Map() };
  const defined = new Set<string>();
  let open: string | null = null;
  const declare = (id: string, label: string): void => {
    if (chart.labels.has(id)) throw new Error(`${id} is declared twice`);
    chart.labels.set(id, label);
    chart.parents.set(id, open);
  };
  for (const line of lines) {
    const match = (pattern: string): RegExpExecArray | null =>
      new RegExp(`^ +${pattern}$`, 'u').exec(line);
    const subgraph = match(`subgraph (${ID})\\[${LABEL}\\]`);
    const box = match(`(${ID})\\[${LABEL}\\]`) ?? match(`(${ID})\\(\\[${LABEL}\\]\\)`);
    const edge = match(`(${ID}) --> (${ID})`);
    const classDef = match('classDef ([a-z]+) [a-z0-9#:, .-]+');
    const members = match(`class ((?:${ID},)*${ID}) ([a-z]+)`);
    if (subgraph) {
      expect(open).toBeNull();
      declare(subgraph[1] ?? '', subgraph[2] ?? '');
      open = subgraph[1] ?? '';
    } else if (match('end')) {
      expect(open).not.toBeNull();
      open = null;
    } else if (box) declare(box[1] ?? '', box[2] ?? '');
    else if (edge) chart.edges.push([edge[1] ?? '', edge[2] ?? '']);
    else if (classDef) defined.add(classDef[1] ?? '');
    else if (members) {
      expect(defined).toContain(members[2]);
      for (const id of (members[1] ?? '').split(',')) chart.classes.set(id, members[2] ?? '');
    } else throw new Error(`not Mermaid: ${JSON.stringify(line)}`);
  }
  expect(open).toBeNull();
  for (const id of [...chart.edges.flat(), ...chart.classes.keys()]) {
    expect([id, chart.labels.has(id)]).toEqual([id, true]);
  }
  return chart;
}

function decoded(label: string): string {
  return label.replace(/#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)));
}

/** Names that have hurt drawing tools. */
const badName = fc.constantFrom(
  'end',
  'End of it',
  'graph TD',
  'subgraph x',
  '"',
  '"]\n  evil --> s0',
  "a'b`c`",
  '[x](y){z}|w|',
  '`**bold**`',
  '1. build',
  '- build',
  '#35; #quot; &amp;',
  'style a:#fff;',
  'classDef x fill:#f00;',
  '%% comment',
  '%%{init: {}}%%',
  '<script>alert(1)</script>',
  'a --> b',
  'click s0 "javascript:alert(1)"',
  'x'.repeat(100),
  '🚀'.repeat(90),
  'ünï çödé 建置 בנייה',
  'a\u202eb\u0000c\u2028d',
  '\ud800',
  'fa:fa-car',
  'o',
  'x---y',
);
const name = fc.oneof(
  badName,
  fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' }),
  fc.string({ unit: 'binary', minLength: 1 }),
);

const shape = fc.record({
  stages: fc.uniqueArray(
    fc.record({
      name,
      needs: fc.array(fc.nat(50), { maxLength: 3 }),
      when: fc.constantFrom(undefined, 'false', 'failure()', "matches('a', '(')"),
      steps: fc.uniqueArray(fc.record({ name, needs: fc.array(fc.nat(50), { maxLength: 3 }) }), {
        minLength: 1,
        maxLength: 5,
        selector: (one) => one.name,
      }),
    }),
    { minLength: 1, maxLength: 6, selector: (one) => one.name },
  ),
  hooks: fc.uniqueArray(name, { maxLength: 3 }),
  repository: fc.boolean(),
});

function planOf(from: typeof shape extends fc.Arbitrary<infer T> ? T : never): Plan {
  const stages = from.stages.map((stage, index): StagePlan => {
    const steps = stage.steps.map((one, at) =>
      step(one.name, {
        needs:
          at === 0 ? [] : [...new Set(one.needs.map((need) => stage.steps[need % at]?.name ?? ''))],
      }),
    );
    const needs =
      index === 0 ? [] : stage.needs.map((need) => from.stages[need % index]?.name ?? '');
    return {
      ...parallelStage(stage.name, steps, { needs: [...new Set(needs)] }),
      ...(stage.when !== undefined && { when: stage.when }),
    };
  });
  const hooks = from.hooks.map((one) => step(one));
  return plan(stages, {
    onFailure: hooks,
    always: hooks,
    ...(from.repository && { repository: { url: 'https://example.org/x.git' } }),
  });
}

describe('the graph of a plan', () => {
  it('is drawn', () => {
    const { plan: of } = compileYaml(`name: shop
repository: https://example.org/a.git
stages:
  - name: build
    steps: [{ name: install, run: a }, { name: "compile \\"it\\"", run: b }]
  - name: test
    parallel: true
    steps: [{ name: unit, run: a }, { name: lint, run: b, when: "false" }]
  - name: release
    needs: [build]
    when: failure()
    steps: [{ name: ship, run: a }]
always: [{ name: clean, run: a }]
`);
    expect(mermaidText(graphOf(of as Plan))).toBe(`flowchart LR
  c(["checkout"])
  subgraph s0["build"]
    s0_0["install"]
    s0_1["compile #34;it#34;"]
    s0_0 --> s0_1
  end
  subgraph s1["test"]
    s1_0["unit"]
    s1_1["lint"]
  end
  subgraph s2["release"]
    s2_0["ship"]
  end
  subgraph a["always"]
    a_0["clean"]
  end
  c --> s0
  s0 --> s1
  s0 --> s2
  s1 --> a
  s2 --> a
  classDef skipped opacity:0.45,stroke-dasharray:2 4
  class s1_1 skipped
  classDef depends stroke-dasharray:6 4
  class s2,s2_0 depends
`);
  });

  it.each([
    ['plain name-1.2/x', 'plain name-1.2/x'],
    ['end', 'end'],
    ['a "b" [c] {d} (e)', 'a #34;b#34; #91;c#93; #123;d#125; #40;e#41;'],
    ['two\nlines\tand  more', 'two lines and more'],
    ['1. build', '1#46; build'],
    ['- build', '#45; build'],
    ['v1.2', 'v1.2'],
    ['50% #1 a:b;', '50#37; #35;1 a#58;b#59;'],
    ['🚀', '#128640;'],
    ['\ud800\u200b', '…'],
    ['x'.repeat(81), `${'x'.repeat(80)}…`],
  ])('%j is written %j', (from, to) => {
    expect(mermaidLabel(from)).toBe(to);
  });

  it('is sound Mermaid whatever the names are, and says the same as the graph', () => {
    fc.assert(
      fc.property(shape, (from) => {
        const of = planOf(from);
        const graph = graphOf(of);
        const chart = parse(mermaidText(graph));
        expect([...chart.labels.keys()].sort()).toEqual(graph.nodes.map(({ id }) => id).sort());
        for (const { id, name: own, parent, verdict } of graph.nodes) {
          expect(chart.parents.get(id)).toBe(parent);
          expect(chart.classes.get(id)).toBe(verdict === 'runs' ? undefined : verdict);
          const shown = decoded(chart.labels.get(id) ?? '');
          expect(shown).toBe(decoded(mermaidLabel(own)));
          expect([...shown].length).toBeLessThanOrEqual(LABEL_LENGTH + 1);
        }
        expect(chart.edges.map(String).sort()).toEqual(
          graph.edges.map(({ from: a, to }) => String([a, to])).sort(),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('edges lead to all that is needed, and to nothing else', () => {
    fc.assert(
      fc.property(shape, (from) => {
        const of = planOf({ ...from, hooks: [] });
        const { edges } = graphOf(of);
        const reach = (id: string): Set<string> => {
          const found = new Set<string>();
          const open = [id];
          for (let at = open.pop(); at !== undefined; at = open.pop()) {
            for (const edge of edges.filter(({ to }) => to === at)) {
              if (!found.has(edge.from)) open.push(edge.from);
              found.add(edge.from);
            }
          }
          found.delete('c');
          return found;
        };
        const wanted = (
          items: readonly { name: string; needs: readonly string[] }[],
          index: number,
        ): Set<number> => {
          const found = new Set<number>();
          const open = [index];
          for (let at = open.pop(); at !== undefined; at = open.pop()) {
            for (const need of items[at]?.needs ?? []) {
              const to = items.findIndex((one) => one.name === need);
              if (!found.has(to)) open.push(to);
              found.add(to);
            }
          }
          return found;
        };
        for (const [index, stage] of of.stages.entries()) {
          const stages = [...wanted(of.stages, index)].map((one) => `s${one}`).sort();
          expect([...reach(`s${index}`)].sort()).toEqual(stages);
          for (const at of stage.steps.keys()) {
            const steps = [...wanted(stage.steps, at)].map((one) => `s${index}_${one}`).sort();
            expect([...reach(`s${index}_${at}`)].sort()).toEqual(steps);
          }
        }
        // No edge that others make needless.
        for (const edge of edges) {
          const others = edges.filter(({ to, from: a }) => to === edge.to && a !== edge.from);
          expect(others.some(({ from: a }) => reach(a).has(edge.from))).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('of many stages in order has one edge each', () => {
    const stages = Array.from({ length: 700 }, (_each, i) => sequential(`g${i}`, [step('a')]));
    const took = ownTime(() => expect(graphOf(inOrder(stages)).edges).toHaveLength(699));
    expect(took).toBeLessThan(5_000);
  });
});
