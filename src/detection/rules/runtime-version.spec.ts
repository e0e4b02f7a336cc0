import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../config/paths.js';
import { detectProject } from '../detect-project.js';
import type { ProjectType } from '../candidate.js';
import { MemoryTree } from '../tree/memory-tree.fixture.js';

/** The version that a source says, if it is there. */
type Said = (source: string) => string | undefined;

interface Language {
  readonly name: string;
  readonly type: ProjectType;
  /** Sources, the one that counts most first; behind a `|` how docs/detection.md calls it. */
  readonly sources: readonly string[];
  /** A project in which the sources say what `said` tells. */
  readonly files: (said: Said) => Readonly<Record<string, string | undefined>>;
  /** Default: `11.0`, `12.0`, … */
  readonly version?: (index: number) => string;
  /** How the page begins its list; absent: it has none of its own. */
  readonly documented?: string;
}

const line = (text: string, version: string | undefined): string =>
  version === undefined ? '' : `${text.replace('%', version)}\n`;
const json = (value: unknown): string => JSON.stringify(value);
const whole = (version: string | undefined): string | undefined => version && `${version}\n`;

/** A `.tool-versions` in which other runtimes stand, too. */
const tools = (said: Said, ...names: readonly string[]): string =>
  `other 1.0\n${names.map((name) => line(`${name} %`, said(`tool ${name}`))).join('')}`;

const LANGUAGES: readonly Language[] = [
  {
    ...{ name: 'Node.js', type: 'node', documented: 'Node.js' },
    sources: [
      ...['volta|`volta`', '.node-version|`.node-version`', '.nvmrc|`.nvmrc`'],
      ...['tool nodejs|`.tool-versions`', 'tool node|`.tool-versions`', 'engines|`engines`'],
    ],
    files: (said) => ({
      'package.json': json({
        engines: { node: said('engines') },
        volta: { node: said('volta') },
      }),
      '.node-version': whole(said('.node-version')),
      '.nvmrc': whole(said('.nvmrc')),
      // In the file the one that counts more stands last.
      '.tool-versions': tools(said, 'node', 'nodejs'),
    }),
  },
  {
    ...{ name: 'Python', type: 'python', documented: 'Python' },
    sources: [
      ...['.python-version|`.python-version`', 'runtime.txt|`runtime.txt`'],
      ...['tool python|`.tool-versions`', 'full|Pipfile', 'short|Pipfile'],
      ...['requires-python|`requires-python`', "poetry|Poetry's `python`"],
    ],
    files: (said) => ({
      '.python-version': whole(said('.python-version')),
      'runtime.txt': said('runtime.txt') && `python-${said('runtime.txt') ?? ''}\n`,
      '.tool-versions': tools(said, 'python'),
      Pipfile: `[requires]\n${line('python_version = "%"', said('short'))}${line('python_full_version = "%"', said('full'))}`,
      'pyproject.toml': `[tool.poetry.dependencies]\n${line('python = "%"', said('poetry'))}[project]\nname = "a"\n${line('requires-python = "%"', said('requires-python'))}`,
    }),
  },
  {
    ...{ name: 'Go', type: 'go', documented: 'Go' },
    sources: [
      ...['toolchain|`toolchain`', '.go-version|`.go-version`', 'tool golang|`.tool-versions`'],
      ...['tool go|`.tool-versions`', 'go|`go`'],
    ],
    files: (said) => ({
      'go.mod': `module example.com/a\n${line('go %', said('go'))}${line('toolchain go%', said('toolchain'))}`,
      '.go-version': whole(said('.go-version')),
      '.tool-versions': tools(said, 'go', 'golang'),
    }),
  },
  {
    ...{ name: 'Rust', type: 'rust', documented: 'Rust' },
    sources: [
      ...['toml|`rust-toolchain.toml`', 'rust-toolchain|`rust-toolchain`'],
      ...['tool rust|`.tool-versions`', 'rust-version|`rust-version`'],
    ],
    files: (said) => ({
      'Cargo.toml': `[package]\nname = "a"\n${line('rust-version = "%"', said('rust-version'))}`,
      'rust-toolchain.toml': `[toolchain]\n${line('channel = "%"', said('toml'))}`,
      'rust-toolchain': whole(said('rust-toolchain')),
      '.tool-versions': tools(said, 'rust'),
    }),
  },
  {
    ...{ name: 'Java by Maven', type: 'java', documented: 'Java' },
    sources: [
      ...['.java-version|`.java-version`', 'tool java|`.tool-versions`'],
      ...['release|`maven.compiler.release`', 'own|`java.version`'],
      'target|`maven.compiler.target` or the toolchain of Gradle',
    ],
    files: (said) => ({
      '.java-version': whole(said('.java-version')),
      '.tool-versions': tools(said, 'java'),
      'pom.xml': `<project><artifactId>a</artifactId><properties>
        ${line('<maven.compiler.target>%</maven.compiler.target>', said('target'))}
        ${line('<java.version>%</java.version>', said('own'))}
        ${line('<maven.compiler.release>%</maven.compiler.release>', said('release'))}
      </properties></project>`,
    }),
  },
  {
    ...{ name: 'Java by Gradle', type: 'java', version: (index) => `${11 + index}` },
    sources: ['.java-version', 'tool java', 'toolchain'],
    files: (said) => ({
      '.java-version': whole(said('.java-version')),
      '.tool-versions': tools(said, 'java'),
      'build.gradle': line('x = JavaLanguageVersion.of(%)', said('toolchain')),
    }),
  },
  {
    ...{ name: '.NET', type: 'dotnet', documented: '.NET' },
    sources: [
      ...['global|`global.json`', 'tool dotnet|`.tool-versions`', 'target|`TargetFramework`'],
    ],
    files: (said) => ({
      'global.json': json({ sdk: { version: said('global') } }),
      '.tool-versions': tools(said, 'dotnet'),
      'a.csproj': `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup>${line('<TargetFramework>net%</TargetFramework>', said('target'))}</PropertyGroup></Project>`,
    }),
  },
  {
    ...{ name: 'PHP', type: 'php', documented: 'PHP' },
    sources: ['.php-version|`.php-version`', 'tool php|`.tool-versions`', 'require|composer.json'],
    files: (said) => ({
      'composer.json': json({ require: { php: said('require') } }),
      '.php-version': whole(said('.php-version')),
      '.tool-versions': tools(said, 'php'),
    }),
  },
  {
    ...{ name: 'Ruby', type: 'ruby', documented: 'Ruby' },
    sources: [
      ...['.ruby-version|`.ruby-version`', 'tool ruby|`.tool-versions`', 'gemfile|the Gemfile'],
    ],
    files: (said) => ({
      Gemfile: `gem 'a'\n${line("ruby '%'", said('gemfile'))}`,
      '.ruby-version': said('.ruby-version') && `ruby-${said('.ruby-version') ?? ''}\n`,
      '.tool-versions': tools(said, 'ruby'),
    }),
  },
  {
    ...{ name: 'Elixir', type: 'elixir', documented: 'Elixir' },
    sources: [
      ...['.elixir-version|`.elixir-version`', 'tool elixir|`.tool-versions`', 'mix|mix.exs'],
    ],
    files: (said) => ({
      'mix.exs': `def project do\n [app: :a,\n${line(' elixir: "%",', said('mix'))} deps: []]\nend\n`,
      '.elixir-version': whole(said('.elixir-version')),
      '.tool-versions': tools(said, 'elixir'),
    }),
  },
];

const idsOf = ({ sources }: Language): string[] =>
  sources.map((source) => source.split('|')[0] ?? '');

/** The version that counts where only these sources are there; undefined: none does. */
async function versionWith(language: Language, there: readonly string[]): Promise<unknown> {
  const said: Said = (source) => (there.includes(source) ? versionOf(language, source) : undefined);
  const files = Object.entries(language.files(said)).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, text] as const],
  );
  const tree = new MemoryTree(Object.fromEntries(files));
  const { project, problems } = await detectProject(tree, { type: language.type });
  expect(problems).toEqual([]);
  const fact = project?.facts.get('runtime_version');
  return fact?.state === 'known' ? fact.value : fact?.state;
}

function versionOf(language: Language, source: string): string {
  const { version = (index: number) => `${11 + index}.0` } = language;
  return version(idsOf(language).indexOf(source));
}

const PAIRS = LANGUAGES.flatMap((language) => {
  const ids = idsOf(language);
  return ids.flatMap((first, index) =>
    ids.slice(index + 1).map((second) => ({ name: language.name, first, second, language })),
  );
});

describe('the version of a runtime', () => {
  it.each(LANGUAGES)('is said by each source of $name alone', async (language) => {
    expect(await versionWith(language, [])).toBe('unknown');
    for (const source of idsOf(language)) {
      expect([source, await versionWith(language, [source])]).toEqual([
        ...[source, versionOf(language, source)],
      ]);
    }
  });

  it.each(PAIRS)('of $name is that of "$first", and not of "$second"', async (pair) => {
    const { language, first, second } = pair;
    expect(await versionWith(language, [second, first])).toBe(versionOf(language, first));
  });

  it.each(LANGUAGES.filter(({ documented }) => documented))(
    'of $name is read in the order that docs/detection.md tells',
    ({ documented, sources }) => {
      const page = readFileSync(join(packageRoot(), 'docs/detection.md'), 'utf8');
      const labels = [...new Set(sources.map((source) => source.split('|')[1] ?? ''))];
      expect(page).toMatch(/\*\*Versions\*\* are read in this order: /);
      expect(page).toContain(` ${documented ?? ''} ${labels.join(', ')}`);
    },
  );
});
