import { type Fact, type Source, valueOf } from './evidence.js';
import { type Detection, detectProject, type DetectOptions } from './detect-project.js';
import { MemoryTree } from './tree/memory-tree.fixture.js';

type Files = Readonly<Record<string, string>>;

const detect = (files: Files, options?: DetectOptions): Promise<Detection> =>
  detectProject(new MemoryTree(files), options);

const json = (value: unknown): string => JSON.stringify(value, null, 2);

/** What the project is, in short. */
const short = ({ outcome, project }: Detection): Readonly<Record<string, unknown>> => {
  const facts = [...(project?.facts ?? [])].map(
    ([name, fact]) => [name, valueOf(fact) ?? fact.state] as const,
  );
  const { type = null, framework = null, purpose = null } = project ?? {};
  return { outcome, is: [type, framework, purpose].join(' '), ...Object.fromEntries(facts) };
};

/** The file, or the text of the line, to which a source points; undefined: there is none. */
const placeOf = (files: Files, source: Source | undefined): string | undefined => {
  const { file = '', line = null } = source ?? {};
  const text = Object.hasOwn(files, file) ? files[file] : undefined;
  if (text === undefined || line === null) return text === undefined ? undefined : file;
  return text.split('\n')[line - 1]?.trim();
};

const CORPUS: readonly (readonly [string, Files, Readonly<Record<string, unknown>>])[] = [
  [
    'an Express service with npm',
    {
      'package.json': json({
        name: 'shop',
        engines: { node: '>=20' },
        scripts: { start: 'node server.js' },
        dependencies: { express: '^5' },
      }),
      'package-lock.json': '{}',
      'server.js': '',
    },
    {
      is: 'node express service',
      package_manager: 'npm',
      runtime_version: '>=20',
      install_command: 'npm ci',
      start_command: 'npm start',
    },
  ],
  [
    'a Next.js service with pnpm, its version by .nvmrc',
    {
      'package.json': json({ scripts: { build: 'next build' }, dependencies: { next: '15' } }),
      'pnpm-lock.yaml': '',
      '.nvmrc': 'v22.1.0\n',
    },
    {
      is: 'node next service',
      package_manager: 'pnpm',
      runtime_version: '22.1.0',
      install_command: 'pnpm install --frozen-lockfile',
      build_command: 'pnpm run build',
      start_command: 'npx next start',
      port: '3000',
    },
  ],
  [
    'a site of Vite',
    {
      'package.json': json({
        private: true,
        scripts: { build: 'vite build', start: 'vite' },
        devDependencies: { vite: '7' },
      }),
      'yarn.lock': '',
      'index.html': '<!doctype html>',
    },
    {
      is: 'node vite site',
      package_manager: 'yarn',
      install_command: 'yarn install --frozen-lockfile',
      build_command: 'yarn run build',
      output_folder: 'dist',
    },
  ],
  [
    'a site of Vite, whose configuration says where its build goes',
    {
      'package.json': json({
        private: true,
        scripts: { build: 'vite build' },
        devDependencies: { vite: '7' },
      }),
      'package-lock.json': '{}',
      'index.html': '<!doctype html>',
      'vite.config.ts':
        "import { defineConfig } from 'vite';\n// outDir is below the server\nexport default defineConfig({\n  build: { outDir: '../server/public' },\n});\n",
    },
    { is: 'node vite site', build_command: 'npm run build', output_folder: 'unknown' },
  ],
  [
    'a site of Vue CLI, whose package.json says where its build goes',
    {
      'package.json': json({
        private: true,
        scripts: { build: 'vue-cli-service build' },
        devDependencies: { '@vue/cli-service': '5' },
        vue: { outputDir: 'public' },
      }),
      'package-lock.json': '{}',
    },
    { is: 'node vue-cli site', output_folder: 'public' },
  ],
  [
    'three lock files',
    {
      'package.json': json({ scripts: { start: 'node .' }, dependencies: { koa: '3' } }),
      'package-lock.json': '{}',
      'yarn.lock': '',
      'pnpm-lock.yaml': '',
    },
    { is: 'node koa service', package_manager: 'ambiguous', start_command: 'node .' },
  ],
  [
    'three lock files, and package.json says which counts',
    {
      'package.json': json({
        packageManager: 'pnpm@9.1.0',
        scripts: { start: 'node .' },
        dependencies: { koa: '3' },
      }),
      'package-lock.json': '{}',
      'yarn.lock': '',
      'pnpm-lock.yaml': '',
    },
    {
      is: 'node koa service',
      package_manager: 'pnpm',
      install_command: 'pnpm install --frozen-lockfile',
      start_command: 'pnpm start',
    },
  ],
  [
    'a library of Node.js',
    {
      'package.json': json({ name: 'left-pad', main: 'index.js', files: ['index.js'] }),
      'index.js': '',
    },
    { is: 'node  library', package_manager: 'npm', install_command: 'npm install' },
  ],
  [
    'Django with a package.json for its front end',
    {
      'requirements.txt': '# flask would be nice\nDjango==5.1\ngunicorn>=22\n',
      'manage.py': '',
      'shop/__init__.py': '',
      'shop/wsgi.py': 'application = get_wsgi_application()',
      'package.json': json({ scripts: { build: 'vite build' }, devDependencies: { vite: '7' } }),
      'package-lock.json': '{}',
      '.python-version': '3.12\n',
    },
    {
      is: 'python django service',
      package_manager: 'pip',
      runtime_version: '3.12',
      install_command: 'pip install -r requirements.txt',
      start_command: 'gunicorn shop.wsgi',
    },
  ],
  [
    'FastAPI by uv',
    {
      'pyproject.toml':
        '[project]\nname = "api"\nrequires-python = ">=3.11"\ndependencies = [\n  "fastapi[standard]>=0.115",\n]\n',
      'uv.lock': '',
      'app/main.py':
        '"""\napp = FastAPI()\n"""\nfrom fastapi import FastAPI\n\nserver = FastAPI()\n',
    },
    {
      is: 'python fastapi service',
      package_manager: 'uv',
      runtime_version: '>=3.11',
      install_command: 'uv sync --frozen',
      start_command: 'uvicorn app.main:server',
    },
  ],
  [
    'a comment that names another framework',
    {
      'requirements.txt': 'flask==3.0  # we came from django\n# fastapi\ngunicorn\n',
      'app.py': '# app = FastAPI()\napp = Flask(__name__)\n',
    },
    {
      is: 'python flask service',
      package_manager: 'pip',
      install_command: 'pip install -r requirements.txt',
      start_command: 'gunicorn app:app',
    },
  ],
  [
    'a library of Python',
    {
      'pyproject.toml':
        '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "lib"\nversion = "1"\n',
    },
    { is: 'python  library', package_manager: 'pip', install_command: 'pip install .' },
  ],
  [
    'a Go service',
    {
      'go.mod':
        'module example.com/team/shop\n\ngo 1.24\n\nrequire (\n\tgithub.com/gin-gonic/gin v1.10.0\n\tgithub.com/labstack/echo/v4 v4 // indirect\n)\n',
      'main.go': '// package other\npackage main\n\nfunc main() {}\n',
    },
    {
      is: 'go gin service',
      package_manager: 'go',
      runtime_version: '1.24',
      install_command: 'go mod download',
      build_command: 'go build -o bin/shop .',
      start_command: 'bin/shop',
    },
  ],
  [
    'a Go module with two programs',
    {
      'go.mod': 'module example.com/two\ngo 1.24\ntoolchain go1.24.3\n',
      'cmd/api/main.go': 'package main\n',
      'cmd/job/main.go': 'package main\n',
      'internal/x.go': 'package internal\n',
    },
    {
      is: 'go  service',
      package_manager: 'go',
      runtime_version: '1.24.3',
      install_command: 'go mod download',
      build_command: 'ambiguous',
      start_command: 'ambiguous',
    },
  ],
  [
    'a Go library',
    {
      'go.mod': 'module example.com/lib\n',
      'lib.go': 'package lib\n',
      'lib_test.go': 'package main',
    },
    { is: 'go  library', package_manager: 'go', install_command: 'go mod download' },
  ],
  [
    'a Rust service',
    {
      'Cargo.toml':
        '[package]\nname = "shop"\nrust-version = "1.80"\n[dependencies]\naxum = { version = "0.8" }\n',
      'Cargo.lock': '',
      'src/main.rs': 'fn main() {}',
    },
    {
      is: 'rust axum service',
      package_manager: 'cargo',
      runtime_version: '1.80',
      install_command: 'cargo fetch --locked',
      build_command: 'cargo build --release',
      start_command: 'target/release/shop',
    },
  ],
  [
    'Spring Boot by Maven',
    {
      'pom.xml':
        '<project>\n<parent><groupId>org.springframework.boot</groupId><artifactId>x</artifactId></parent>\n<artifactId>shop</artifactId><version>1.0</version>\n<dependencies><dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-actuator</artifactId></dependency></dependencies>\n<properties><java.version>21</java.version></properties>\n</project>',
      mvnw: '',
    },
    {
      is: 'java spring-boot service',
      package_manager: 'maven',
      runtime_version: '21',
      build_command: './mvnw -B package -DskipTests',
      start_command: 'java -jar target/shop-1.0.jar',
      health_path: '/actuator/health',
      port: '8080',
    },
  ],
  [
    'a plain jar',
    {
      'pom.xml':
        '<project><!-- org.springframework.boot --><artifactId>lib</artifactId><version>1</version></project>',
    },
    { is: 'java  library', package_manager: 'maven', build_command: 'mvn -B package -DskipTests' },
  ],
  [
    'Kotlin with Spring Boot by Gradle',
    {
      'build.gradle.kts':
        'plugins {\n  // id("io.quarkus")\n  id("org.springframework.boot") version "3.4"\n}\njava { toolchain { languageVersion = JavaLanguageVersion.of(21) } }\n',
      gradlew: '',
    },
    {
      is: 'java spring-boot service',
      package_manager: 'gradle',
      runtime_version: '21',
      build_command: './gradlew bootJar',
      port: '8080',
    },
  ],
  [
    'ASP.NET, with a test project beside it',
    {
      'Shop.csproj':
        '<Project Sdk="Microsoft.NET.Sdk.Web">\n<PropertyGroup><TargetFramework>net9.0</TargetFramework></PropertyGroup></Project>',
      'Shop.Tests.csproj':
        '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType></PropertyGroup><ItemGroup><PackageReference Include="Microsoft.NET.Test.Sdk"/></ItemGroup></Project>',
    },
    {
      is: 'dotnet aspnet service',
      package_manager: 'dotnet',
      runtime_version: '9.0',
      install_command: 'dotnet restore',
      build_command: 'dotnet publish Shop.csproj -c Release -o out',
      start_command: 'dotnet out/Shop.dll',
      port: '8080',
    },
  ],
  [
    'Laravel',
    {
      'composer.json': json({ require: { php: '^8.3', 'laravel/framework': '^12' } }),
      'public/index.php': '<?php',
      'package.json': json({ private: true, devDependencies: { vite: '7' } }),
    },
    {
      is: 'php laravel service',
      package_manager: 'composer',
      runtime_version: '^8.3',
      install_command: 'composer install --no-dev --optimize-autoloader',
      output_folder: 'public',
    },
  ],
  [
    'Rails, started by its Procfile',
    {
      Gemfile:
        "source 'https://rubygems.org'\nruby '3.4.1'\n# gem 'sinatra'\ngem 'rails', '~> 8.0'\ngem 'puma'\n",
      'config.ru': '',
      'config/routes.rb':
        'Rails.application.routes.draw do\n  get "about" => "pages#about"\n  get "up" => "rails/health#show", as: :rails_health_check\nend\n',
      Procfile: 'worker: rake jobs\nweb: bundle exec puma -C config/puma.rb\n',
    },
    {
      is: 'ruby rails service',
      package_manager: 'bundler',
      runtime_version: '3.4.1',
      install_command: 'bundle install',
      start_command: 'bundle exec puma -C config/puma.rb',
      health_path: '/up',
    },
  ],
  [
    'Phoenix',
    {
      'mix.exs':
        'def project do\n [app: :shop, elixir: "~> 1.18"]\nend\ndef application, do: [mod: {Shop.Application, []}]\n# {:nope, "1"}\ndefp deps, do: [{:phoenix, "~> 1.7"}]\n',
    },
    {
      is: 'elixir phoenix service',
      package_manager: 'mix',
      runtime_version: '~> 1.18',
      install_command: 'mix deps.get --only prod',
      build_command: 'MIX_ENV=prod mix release',
      port: '4000',
    },
  ],
  [
    'a site in two folders',
    { 'index.html': '', 'dist/index.html': '' },
    { is: 'static  site', output_folder: 'ambiguous' },
  ],
  ['a site as it is', { 'public/index.html': '' }, { is: 'static  site', output_folder: 'public' }],
  [
    'a Dockerfile alone',
    {
      Dockerfile:
        '# EXPOSE 1\nFROM alpine AS build\nEXPOSE 2\nFROM scratch\nRUN a \\\n # EXPOSE 3\n  b\nEXPOSE 8080/tcp\nHEALTHCHECK --interval=5s CMD curl -f http://localhost:8080/live || exit 1\nCMD ["/app"]\n',
      'main.c': '',
    },
    {
      ...{ is: 'docker  service', build_command: 'docker build -f Dockerfile .' },
      ...{ port: '8080', health_path: '/live' },
    },
  ],
  [
    'a Dockerfile beside a service, which it packages',
    {
      Dockerfile: 'FROM node:22\nCMD ["node", "server.js"]\n',
      'package.json': json({
        scripts: { start: 'node server.js' },
        dependencies: { express: '5' },
      }),
    },
    { is: 'node express service', package_manager: 'npm', start_command: 'npm start' },
  ],
  [
    'a file of Docker Compose',
    { 'compose.yaml': 'services:\n  web: { image: nginx }\n' },
    { is: 'compose  service', start_command: 'docker compose -f compose.yaml up' },
  ],
];

describe('detectProject', () => {
  it.each(CORPUS)('%s', async (_name, files, expected) => {
    const detection = await detect(files);
    expect(short(detection)).toMatchObject({ outcome: 'detected', ...expected });
    expect(detection.problems).toEqual([]);
    const { evidence = [], facts = new Map<string, Fact>() } = detection.project ?? {};
    expect(evidence).not.toEqual([]);
    for (const { rule, message, weight } of evidence) {
      expect([rule, message]).not.toContain('');
      expect(Math.abs(weight)).toBeGreaterThan(0);
      expect(Math.abs(weight)).toBeLessThanOrEqual(1);
    }
    const known = [...facts.values()].filter(({ state }) => state === 'known');
    const sources = known.map((fact) => (fact.state === 'known' ? fact.source : undefined));
    for (const source of [...evidence, ...sources]) expect(placeOf(files, source)).toBeTruthy();
  });

  it.each<Files>([{}, { 'README.md': '# Django and Express' }])(
    'says of %j that nothing hints at anything',
    async (files) => {
      expect(await detect(files)).toMatchObject({
        ...{ outcome: 'unknown', project: null, candidates: [], parts: [] },
      });
    },
  );

  it('asks where two are as likely, and takes what a person chose', async () => {
    const files = {
      'go.mod': 'module example.com/shop\n',
      'main.go': 'package main\n',
      'Cargo.toml': '[package]\nname = "shop"\n',
      'src/main.rs': '',
    };
    const both = await detect(files);
    expect(both).toMatchObject({ outcome: 'ambiguous', project: null });
    expect(both.candidates.map(({ type }) => type)).toEqual(['go', 'rust']);
    const chosen = await detect(files, { type: 'rust' });
    expect(chosen).toMatchObject({ outcome: 'detected', project: { type: 'rust' } });
    expect(await detect(files, { type: 'php' })).toMatchObject({ outcome: 'unknown' });
  });

  it('names the parts of a monorepo, and reads what stands above one of them', async () => {
    const files = {
      'package.json': json({ private: true, workspaces: ['apps/*'], packageManager: 'pnpm@9.0.0' }),
      'pnpm-lock.yaml': '',
      '.nvmrc': '22\n',
      'apps/web/package.json': json({ scripts: { build: 'b' }, dependencies: { next: '15' } }),
      'apps/api/go.mod': 'module example.com/api\n',
      'apps/api/main.go': 'package main\n',
      'apps/api/vendor/x/package.json': json({ dependencies: { express: '5' } }),
      'node_modules/express/package.json': json({ main: 'index.js' }),
    };
    const whole = await detect(files);
    expect(whole).toMatchObject({ outcome: 'parts', project: null });
    expect(whole.parts).toEqual([
      { folder: 'apps/api', type: 'go', framework: null, purpose: 'service' },
      { folder: 'apps/web', type: 'node', framework: 'next', purpose: 'service' },
    ]);
    const web = await detect(files, { folder: 'apps/web' });
    expect(short(web)).toMatchObject({
      ...{ is: 'node next service', package_manager: 'pnpm', runtime_version: '22' },
    });
    expect(web.project?.facts.get('package_manager')).toMatchObject({
      source: { rule: 'package-manager-field', file: 'package.json', line: 6 },
    });
  });

  it('names a manifest that cannot be parsed, with the line', async () => {
    const { problems, outcome } = await detect({ 'package.json': '{\n  "name": ,\n' });
    expect(outcome).toBe('unknown');
    expect(problems).toEqual([{ file: 'package.json', line: 3, message: expect.any(String) }]);
  });

  it('gives each piece of evidence its file, line and weight', async () => {
    const { project } = await detect({
      'package.json': json({ name: 'a', dependencies: { express: '5' } }),
      'index.js': '',
    });
    expect(project?.evidence).toContainEqual({
      rule: 'node-framework:express',
      file: 'package.json',
      line: 4,
      weight: 0.5,
      message: 'it depends on express',
    });
    expect(project?.facts.get('start_command')).toMatchObject({ value: 'node index.js' });
  });
});
