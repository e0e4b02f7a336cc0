import { type Candidate, CandidateDraft } from '../candidate.js';
import { type Choice, type Fact, factOf, known, type Source, unknown } from '../evidence.js';
import type { DataNode } from '../manifests/data-node.js';
import { pythonName, readRequirements, requirementOf } from '../manifests/requirements.js';
import type { ProjectFiles } from '../project-files.js';
import { lockChoices } from './lock-files.js';
import { procfileStart } from './procfile.js';
import type { ProjectRules } from './project-rules.js';
import { runtimeVersion } from './runtime-version.js';

interface Dependency {
  readonly rest: string;
  readonly source: Source;
}

/** In this order: what builds on another one comes before it. */
const FRAMEWORKS = ['django', 'fastapi', 'flask', 'streamlit', 'starlette'] as const;

/** Lock files and what writes them. */
const LOCKS = [
  ['uv.lock', 'uv'],
  ['poetry.lock', 'poetry'],
  ['pdm.lock', 'pdm'],
  ['Pipfile.lock', 'pipenv'],
] as const;

const INSTALL: ReadonlyMap<string, string> = new Map([
  ['uv', 'uv sync --frozen'],
  ['poetry', 'poetry install --no-interaction'],
  ['pdm', 'pdm sync'],
  ['pipenv', 'pipenv sync'],
]);
/** Where the object of the application is looked for. */
const APP_FILES = ['main.py', 'app.py', 'asgi.py', 'wsgi.py', 'server.py', 'api.py'];
const APP_FOLDERS = ['', 'app', 'src'];

/** Projects with a manifest of Python's. */
export const pythonRules: ProjectRules = {
  type: 'python',
  async examine(files) {
    return new PythonExamination(files).examine();
  },
};

class PythonExamination {
  private readonly draft = new CandidateDraft('python');
  private readonly dependencies = new Map<string, Dependency>();
  private pyproject: DataNode | undefined;
  private pipfile: DataNode | undefined;

  constructor(private readonly files: ProjectFiles) {}

  async examine(): Promise<Candidate | undefined> {
    const { draft } = this;
    if (!(await this.addManifests())) return undefined;
    const framework = FRAMEWORKS.find((name) => this.dependencies.has(name));
    if (framework !== undefined) {
      const { file, line } = this.source(framework);
      draft.add(`python-framework:${framework}`, file, line, 0.5, `it depends on ${framework}`);
      draft.framework = framework;
    }
    await this.addPackageManager();
    draft.set('runtime_version', await this.version());
    draft.set('build_command', unknown('Python is not built.'));
    await this.addStart(framework);
    this.addPurpose(framework);
    return draft.end();
  }

  private async addManifests(): Promise<boolean> {
    const { draft, files } = this;
    const names = await files.filesOf();
    this.pyproject = await files.toml('pyproject.toml');
    this.pipfile = await files.toml('Pipfile');
    if (this.pyproject) {
      const isProject = this.pyproject.at('project') ?? this.pyproject.at('tool', 'poetry');
      const [weight, message] = isProject
        ? ([0.6, 'pyproject.toml describes a project'] as const)
        : ([0.2, 'pyproject.toml configures tools'] as const);
      draft.add('pyproject', files.pathOf('pyproject.toml'), isProject?.line ?? 1, weight, message);
      this.addPyprojectDependencies(this.pyproject);
    }
    if (this.pipfile) {
      draft.add('pipfile', files.pathOf('Pipfile'), 1, 0.6, 'a manifest of pipenv');
      for (const [name, node] of this.pipfile.at('packages')?.entries ?? []) {
        this.depend(name, node.scalar ?? '', 'Pipfile', 'pipfile', node.line);
      }
    }
    const lines = await files.lines('requirements.txt');
    if (lines !== undefined) {
      draft.add('requirements', files.pathOf('requirements.txt'), 1, 0.5, 'requirements of pip');
      for (const { name, rest, line } of readRequirements(lines)) {
        this.depend(name, rest, 'requirements.txt', 'requirements', line);
      }
    }
    for (const name of ['setup.py', 'setup.cfg']) {
      if (names.includes(name)) {
        draft.add(name, files.pathOf(name), null, 0.3, 'a manifest of setuptools');
      }
    }
    return draft.hasEvidence;
  }

  private addPyprojectDependencies(pyproject: DataNode): void {
    for (const node of pyproject.at('project', 'dependencies')?.items ?? []) {
      const found = requirementOf(node.text ?? '', node.line);
      if (found) this.depend(found.name, found.rest, 'pyproject.toml', 'pyproject', found.line);
    }
    for (const [name, node] of pyproject.at('tool', 'poetry', 'dependencies')?.entries ?? []) {
      this.depend(name, node.scalar ?? '', 'pyproject.toml', 'pyproject', node.line);
    }
  }

  private depend(name: string, rest: string, file: string, rule: string, line: number): void {
    const key = pythonName(name);
    if (this.dependencies.has(key)) return;
    this.dependencies.set(key, { rest, source: { rule, file: this.files.pathOf(file), line } });
  }

  private source(name: string): Source {
    const found = this.dependencies.get(name);
    if (found === undefined) throw new Error(`no dependency is called ${name}`);
    return found.source;
  }

  private async addPackageManager(): Promise<void> {
    const { draft, files } = this;
    const choices = await lockChoices(files, LOCKS);
    for (const { source, value } of choices) {
      draft.add('lock-file', source.file, null, 0.2, `a lock file of ${value}`);
    }
    const fact = factOf(
      choices,
      'Lock files of several package managers are there: keep one.',
      await this.managerWithoutLock(),
    );
    draft.set('package_manager', fact);
    if (fact.state !== 'known') {
      draft.set('install_command', unknown('It depends on the package manager.'));
      return;
    }
    const pip = (await files.has('requirements.txt'))
      ? 'pip install -r requirements.txt'
      : 'pip install .';
    draft.set('install_command', known(INSTALL.get(fact.value) ?? pip, fact.source));
  }

  private async managerWithoutLock(): Promise<Fact> {
    const { files } = this;
    const by = (value: string, rule: string, file: string, line: number | null): Fact =>
      known(value, { rule, file: files.pathOf(file), line });
    if (this.pipfile) return by('pipenv', 'pipfile', 'Pipfile', 1);
    const poetry = this.pyproject?.at('tool', 'poetry');
    if (poetry) return by('poetry', 'pyproject', 'pyproject.toml', poetry.line);
    if (await files.has('requirements.txt'))
      return by('pip', 'requirements', 'requirements.txt', 1);
    if (this.pyproject) return by('pip', 'pyproject', 'pyproject.toml', 1);
    return unknown('Only setup.py or setup.cfg is there.');
  }

  private version(): Promise<Fact> {
    const { files } = this;
    const field =
      (root: DataNode | undefined, file: string, ...keys: string[]) =>
      async () => {
        const node = root?.at(...keys);
        if (node?.scalar === undefined) return undefined;
        const source = { rule: 'manifest', file: files.pathOf(file), line: node.line };
        return { value: node.scalar, source };
      };
    return runtimeVersion(files, [
      { file: '.python-version' },
      { file: 'runtime.txt' },
      { tool: 'python' },
      { of: field(this.pipfile, 'Pipfile', 'requires', 'python_full_version') },
      { of: field(this.pipfile, 'Pipfile', 'requires', 'python_version') },
      { of: field(this.pyproject, 'pyproject.toml', 'project', 'requires-python') },
      { of: field(this.pyproject, 'pyproject.toml', 'tool', 'poetry', 'dependencies', 'python') },
    ]);
  }

  private async addStart(framework: (typeof FRAMEWORKS)[number] | undefined): Promise<void> {
    const { draft, files } = this;
    const byProcfile = await procfileStart(files);
    if (byProcfile !== undefined) return draft.set('start_command', byProcfile);
    draft.set('start_command', unknown('No Procfile is there, and nothing else says it.'));
    if (framework === 'django') await this.addDjango();
    if (framework === 'flask')
      await this.addApp('Flask', 'gunicorn', this.dependencies.has('gunicorn'));
    if (framework === 'fastapi' || framework === 'starlette') {
      const isStandard = /^\[[^\]]*\bstandard\b/.test(this.dependencies.get('fastapi')?.rest ?? '');
      const name = framework === 'fastapi' ? 'FastAPI' : 'Starlette';
      await this.addApp(name, 'uvicorn', isStandard || this.dependencies.has('uvicorn'));
    }
  }

  /** manage.py is for development: only a server among the dependencies serves. */
  private async addDjango(): Promise<void> {
    const { draft, files } = this;
    if (await files.has('manage.py')) {
      draft.add('django-manage', files.pathOf('manage.py'), null, 0.4, "Django's manage.py");
    }
    const packages: string[] = [];
    for (const folder of await files.foldersOf()) {
      if (await files.has(`${folder}/wsgi.py`)) packages.push(folder);
    }
    const choices = packages.map((folder): Choice => {
      const file = files.pathOf(`${folder}/wsgi.py`);
      return {
        value: `gunicorn ${folder}.wsgi`,
        source: { rule: 'django-wsgi', file, line: null },
      };
    });
    if (!this.dependencies.has('gunicorn')) {
      const reason =
        'No server as gunicorn is among the dependencies; `runserver` is for development.';
      return draft.set('start_command', unknown(reason));
    }
    const reason = 'Several folders have a wsgi.py.';
    draft.set('start_command', factOf(choices, reason, unknown('No folder has a wsgi.py.')));
  }

  /** `NAME = Class(` at the beginning of a line of one of the files where applications stand. */
  private async addApp(name: string, server: string, hasServer: boolean): Promise<void> {
    const { draft, files } = this;
    const pattern = new RegExp(
      `^([A-Za-z_]\\w*)(?:[ \\t]*:[^=\\n]+)?[ \\t]*=[ \\t]*(?:\\w+\\.)?${name}[ \\t]*\\(`,
      'gm',
    );
    const choices: Choice[] = [];
    for (const folder of APP_FOLDERS) {
      for (const file of await files.filesOf(folder)) {
        if (!APP_FILES.includes(file)) continue;
        const path = folder === '' ? file : `${folder}/${file}`;
        const source = await files.source(path, 'python');
        for (const { match, line } of source?.matches(pattern) ?? []) {
          const module = path.replace(/\.py$/, '').replaceAll('/', '.');
          const value = `${server} ${module}:${match[1] ?? ''}`;
          choices.push({
            value,
            source: { rule: `python-app:${name}`, file: files.pathOf(path), line },
          });
        }
      }
    }
    const [first] = choices;
    if (first === undefined) return;
    const { file, line } = first.source;
    draft.add(`python-app:${name}`, file, line, 0.4, `it makes an application of ${name}`);
    const missing = unknown(`${server}, which would serve it, is not among the dependencies.`);
    const reason = `Several applications of ${name} are made.`;
    draft.set('start_command', hasServer ? factOf(choices, reason, missing) : missing);
  }

  private addPurpose(framework: string | undefined): void {
    const { draft } = this;
    if (framework !== undefined || draft.isStarted) draft.purpose = 'service';
    else if (this.pyproject?.at('build-system') && this.pyproject.at('project', 'name')) {
      draft.becomeLibrary();
    }
  }
}
