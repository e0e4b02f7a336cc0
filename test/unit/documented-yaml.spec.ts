import { parseDocument } from 'yaml';
import { compileYaml } from '../../src/engine/compiler/compile-yaml.js';
import { documentedBlocks } from '../support/documented-blocks.js';

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '      ');
const ofDeploy = (keys: string): string => `name: docs
steps:
  - name: ship
    deploy:
      type: docker_container
      service: shop
      image: shop:1
      port: 3000
${indented(keys)}`;

/** Blocks that show a part, by how they begin: what a reader has around it. */
const PARTS: readonly {
  readonly begins: string;
  readonly whole: (block: string) => readonly string[];
}[] = [
  { begins: 'checks:', whole: (block) => [ofDeploy(block)] },
  { begins: 'restart:', whole: (block) => [ofDeploy(block)] },
  // Three ways to say it: each alone.
  {
    begins: 'on_failure: restart',
    whole: (block) =>
      block
        .trim()
        .split('\n')
        .map((line) => ofDeploy(`${line}\n`)),
  },
  {
    begins: 'steps:\n  - name: deploy\n    run: ./deploy.sh dist',
    whole: (block) => [
      `name: docs
stages:
  - name: build
    steps: [{ name: pack, run: make, artifacts: dist }]
  - name: deploy
${block.replaceAll(/^(?=.)/gm, '    ')}`,
    ],
  },
  {
    begins: 'environment: { PORTS:',
    whole: (block) => [`name: docs\n${block}`],
  },
  {
    begins: 'environment: { BRANCH:',
    whole: (block) => [`name: docs\nsteps:\n  - ${block.trimEnd().replaceAll('\n', '\n    ')}\n`],
  },
];

/** YAML of other programs, with whose it is. */
const NOT_PIPELINES: Readonly<Record<string, string>> = {
  '# prometheus.yml': 'the configuration of Prometheus',
  'on: {': 'a workflow of GitHub Actions',
  'groups:': 'alert rules of Prometheus',
  'services:': 'an addition to docker-compose.yml',
};

/** A pipeline that has what the block shows; several where it shows ways to say one thing. */
function wholes(block: string): readonly string[] {
  const part = PARTS.find(({ begins }) => block.startsWith(begins));
  if (part !== undefined) return part.whole(block);
  if (block.startsWith('- ')) return [`name: docs\nsteps:\n${block}`];
  if (/^name:/m.test(block)) return [block];
  const rest = /^(?:steps|stages):/m.test(block) ? '' : 'steps: [echo hello]\n';
  return [`name: docs\n${block}${rest}`];
}

const blocks = documentedBlocks('yaml').map(({ page, text }): [string, string] => [
  `${page}: ${text.split('\n', 1)[0] ?? ''}`,
  text,
]);
const foreign = (text: string): string | undefined =>
  Object.keys(NOT_PIPELINES).find((begin) => text.startsWith(begin));

describe('YAML of README.md and docs/*.md', () => {
  it('is found, and names nothing that is gone', () => {
    const all = blocks.map(([, text]) => text);
    expect(all.length).toBeGreaterThan(25);
    const begins = [...PARTS.map((each) => each.begins), ...Object.keys(NOT_PIPELINES)];
    for (const begin of begins) {
      expect([begin, all.filter((text) => text.startsWith(begin)).length]).toEqual([begin, 1]);
    }
  });

  it.each(blocks.filter(([, text]) => foreign(text) === undefined))(
    'is linted without errors: %s',
    (_name, text) => {
      for (const whole of wholes(text)) {
        const { problems } = compileYaml(whole, { ssh: true });
        expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
      }
    },
  );

  it.each(blocks.filter(([, text]) => foreign(text) !== undefined))(
    'of other programs is YAML: %s',
    (_name, text) => {
      expect(parseDocument(text).errors).toEqual([]);
    },
  );
});
