import type { Candidate } from '../candidate.js';
import { detectProject } from '../detect-project.js';
import { MemoryTree } from '../tree/memory-tree.fixture.js';

type Files = Readonly<Record<string, string>>;

/** A site of one framework, whose package.json has more, and with other files. */
const site = async (
  dependency: string,
  files: Files,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Candidate | undefined> => {
  const manifest = { private: true, devDependencies: { [dependency]: '1' }, ...more };
  const tree = new MemoryTree({ 'package.json': JSON.stringify(manifest, null, 2), ...files });
  const { candidates, problems } = await detectProject(tree, { type: 'node' });
  expect(problems).toEqual([]);
  return candidates.find(({ type }) => type === 'node');
};

describe('the output folder of a site', () => {
  it.each<[dependency: string, file: string, text: string, decides: string, what: string]>([
    [
      'vite',
      'vite.config.js',
      'export default {\n  build: { outDir: "public" },\n};',
      '2',
      'outDir',
    ],
    ['vite', 'vite.config.ts', 'const outDir = process.env.OUT;\n', '1', 'outDir'],
    [
      'vite',
      'vite.config.mts',
      '// outDir\n/*\n outDir */\n\nconfig["outDir"] = x;',
      '5',
      'outDir',
    ],
    ['vite', 'vite.config.mjs', 'export default {\n  root: "client",\n}', '2', 'root'],
    ['vite', 'vite.config.cjs', 'const p = [/^https?:\\/\\//], o = { outDir }', '1', 'outDir'],
    ['astro', 'astro.config.mjs', 'export default {\n\n  outDir: "./public" }', '3', 'outDir'],
    ['astro', 'astro.config.ts', 'export default { adapter: node() }', '1', 'adapter'],
    ['@docusaurus/core', 'docusaurus.config.ts', 'export default {\n outDir }', '2', 'outDir'],
    ['@11ty/eleventy', '.eleventy.js', 'return {\n dir: { output: "dist" } }', '2', 'output'],
    ['@11ty/eleventy', 'eleventy.config.js', 'c.setOutputDirectory(d)', '1', 'setOutputDirectory'],
    ['react-scripts', '.env', '# BUILD_PATH=no\nBUILD_PATH=./public\n', '2', 'BUILD_PATH'],
    ['react-scripts', '.env.production', 'A=1\nB=2\nBUILD_PATH=x\n', '3', 'BUILD_PATH'],
    ['@vue/cli-service', 'vue.config.js', 'module.exports = { outputDir }', '1', 'outputDir'],
  ])(
    'is unknown where a configuration sets it: %s, %s, %j',
    async (dep, file, text, line, what) => {
      const project = await site(dep, { [file]: text });
      expect(project?.facts.get('output_folder')).toEqual({
        state: 'unknown',
        reason: `${file}:${line} decides (${what}), which only running it tells.`,
      });
      expect(project?.evidence).toContainEqual(
        expect.objectContaining({ rule: 'output-config', file, line: Number(line) }),
      );
    },
  );

  it.each([
    'import shared from "../vite.shared.js";\n',
    "const shared = require('./shared');",
    'export default async () => (await import("./shared.js")).default;',
  ])('is unknown where a configuration is made of other files: %j', async (text) => {
    const project = await site('vite', { 'vite.config.js': text });
    const reason = expect.stringContaining('vite.config.js:1 decides') as string;
    expect(project?.facts.get('output_folder')).toEqual({ state: 'unknown', reason });
  });

  it.each([
    ['vite', 'vite build --outDir ../public'],
    ['vite', 'vite build -c vite.prod.ts'],
    ['vite', 'tsc && vite build client'],
    ['astro', 'astro build --root site'],
    ['@docusaurus/core', 'docusaurus build --out-dir public'],
    ['@11ty/eleventy', 'eleventy --output=dist'],
    ['react-scripts', 'BUILD_PATH=public react-scripts build'],
    ['@vue/cli-service', 'vue-cli-service build --dest public'],
  ])('is unknown where the script `build` says it: %s, %s', async (dependency, build) => {
    const project = await site(dependency, {}, { scripts: { build } });
    const reason = expect.stringMatching(/^package\.json:\d+ decides \(the script/) as string;
    expect(project?.facts.get('output_folder')).toEqual({ state: 'unknown', reason });
  });

  it('is what package.json says', async () => {
    const project = await site('@vue/cli-service', {}, { vue: { outputDir: 'public' } });
    expect(project?.facts.get('output_folder')).toMatchObject({
      ...{ state: 'known', value: 'public', source: { file: 'package.json', line: 7 } },
    });
  });

  it.each<[dependency: string, output: string, files: Files, build: string]>([
    ['vite', 'dist', { 'vite.config.ts': 'import vue from "v";\n// outDir: "x"' }, 'vite build'],
    ['vite', 'dist', { 'src/vite.config.ts': 'outDir', 'vite.js': 'outDir' }, 'vite build -l info'],
    ['vite', 'dist', {}, 'tsc -b && vite build && echo done'],
    ['astro', 'dist', { 'astro.config.mjs': '/* root */ export default {}' }, 'astro build'],
    ['gatsby', 'public', { 'gatsby-config.js': 'outDir' }, 'gatsby build'],
    ['@docusaurus/core', 'build', {}, 'docusaurus build --no-minify'],
    ['@11ty/eleventy', '_site', { '.eleventy.js': '// output' }, 'eleventy'],
    ['react-scripts', 'build', { '.env': 'PORT=1', '.env.test': 'BUILD_PATH=x' }, 'r build'],
    ['@vue/cli-service', 'dist', {}, 'vue-cli-service build --modern'],
  ])('is assumed where nothing sets it: %s, %s, %j', async (dependency, value, files, build) => {
    const project = await site(dependency, files, { scripts: { build } });
    expect(project?.facts.get('output_folder')).toMatchObject({ state: 'assumed', value });
  });
});
