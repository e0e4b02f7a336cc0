import { type Candidate, CandidateDraft } from '../candidate.js';
import {
  assumed,
  type Choice,
  type Fact,
  known,
  type Source,
  unknown,
  valueOf,
} from '../evidence.js';
import type { DataNode } from '../manifests/data-node.js';
import type { ProjectFiles } from '../project-files.js';
import { NODE_FRAMEWORKS, type NodeFramework } from './node-frameworks.js';
import { outputDecision } from './node-output.js';
import { nodeCommands, nodePackageManager } from './node-package-manager.js';
import { procfileStart } from './procfile.js';
import type { ProjectRules } from './project-rules.js';
import { runtimeVersion } from './runtime-version.js';

const MANIFEST = 'package.json';
/** Files that Node.js can start, when package.json names none. */
const ENTRY_FILES = ['server.js', 'server.mjs', 'index.js', 'index.mjs', 'app.js', 'app.mjs'];

/** Projects with a package.json. */
export const nodeRules: ProjectRules = {
  type: 'node',
  async examine(files) {
    const manifest = await files.yaml(MANIFEST);
    if (manifest === undefined) return undefined;
    return new NodeExamination(files, manifest).examine();
  },
};

class NodeExamination {
  private readonly draft = new CandidateDraft('node');
  private readonly file: string;

  constructor(
    private readonly files: ProjectFiles,
    private readonly manifest: DataNode,
  ) {
    this.file = files.pathOf(MANIFEST);
  }

  async examine(): Promise<Candidate> {
    const { draft, manifest, file } = this;
    draft.add('package-json', file, 1, 0.5, 'package.json is the manifest of a Node.js project');
    const framework = this.addFramework();
    await this.addPackageManager();
    draft.set('runtime_version', await this.version());
    await this.addStart(framework);
    this.addPurpose(framework, await this.isLibrary());
    if (framework?.port !== undefined) {
      draft.set('port', assumed(`${framework.port}`, `The port of ${framework.name} by itself.`));
    }
    if (draft.purpose === 'site') await this.addOutput(framework);
    if (manifest.at('workspaces') !== undefined && !draft.isStarted) {
      const { line = 1 } = manifest.at('workspaces') ?? {};
      draft.add(
        'workspaces',
        file,
        line,
        -0.3,
        'package.json holds workspaces: parts are below it',
      );
    }
    return draft.end();
  }

  private dependency(name: string): DataNode | undefined {
    return this.manifest.at('dependencies', name) ?? this.manifest.at('devDependencies', name);
  }

  private addFramework(): NodeFramework | undefined {
    const { draft, file } = this;
    for (const framework of NODE_FRAMEWORKS) {
      const node = this.dependency(framework.dependency);
      if (node === undefined) continue;
      const message = `it depends on ${framework.dependency}`;
      draft.add(`node-framework:${framework.name}`, file, node.line, 0.5, message);
      draft.framework = framework.name;
      return framework;
    }
    return undefined;
  }

  private async addPackageManager(): Promise<void> {
    const { draft, files, manifest } = this;
    const manager = await nodePackageManager(files);
    draft.set('package_manager', manager);
    const hasLock = manager.state === 'known' || manager.state === 'ambiguous';
    const source = manager.state === 'known' ? manager.source : undefined;
    if (source?.rule === 'lock-file') {
      draft.add('lock-file', source.file, null, 0.2, `a lock file of ${valueOf(manager) ?? ''}`);
    }
    const commands = nodeCommands(valueOf(manager), hasLock);
    const build = manifest.at('scripts', 'build');
    if (commands === undefined) {
      const reason = 'It depends on the package manager, which is ambiguous.';
      draft.set('install_command', unknown(reason));
      draft.set('build_command', build ? unknown(reason) : unknown('No script `build` is there.'));
      return;
    }
    const reason = `What ${valueOf(manager) ?? ''} does.`;
    const install = source ? known(commands.install, source) : assumed(commands.install, reason);
    draft.set('install_command', install);
    draft.set(
      'build_command',
      build === undefined
        ? unknown('No script `build` is there.')
        : known(commands.run('build'), this.script('build', build)),
    );
  }

  private version(): ReturnType<typeof runtimeVersion> {
    const { files, manifest, file } = this;
    const field =
      (...keys: readonly string[]) =>
      async (): Promise<Choice | undefined> => {
        const node = manifest.at(...keys);
        if (node?.text === undefined) return undefined;
        return { value: node.text, source: { rule: 'package-json', file, line: node.line } };
      };
    return runtimeVersion(files, [
      { of: field('volta', 'node') },
      { file: '.node-version' },
      { file: '.nvmrc' },
      { tool: 'nodejs' },
      { tool: 'node' },
      { of: field('engines', 'node') },
    ]);
  }

  /** A Procfile, a script `start`, what the framework starts, a file that Node.js can run. */
  private async addStart(framework: NodeFramework | undefined): Promise<void> {
    const { draft, manifest } = this;
    const byProcfile = await procfileStart(this.files);
    if (byProcfile !== undefined) return draft.set('start_command', byProcfile);
    const start = manifest.at('scripts', 'start');
    const manager = draft.get('package_manager');
    if (start?.text !== undefined && framework?.purpose !== 'site') {
      const commands = nodeCommands(valueOf(manager), true);
      const source = this.script('start', start);
      draft.add('start-script', source.file, start.line, 0.4, 'it has a script `start`');
      const command = commands ? known(commands.start, source) : known(start.text, source);
      return draft.set('start_command', command);
    }
    if (framework?.start !== undefined) {
      const reason = `How ${framework.name} starts what was built.`;
      return draft.set('start_command', assumed(`npx ${framework.start}`, reason));
    }
    const isServer = framework?.purpose === 'service';
    const entry = isServer ? await this.entryFile() : undefined;
    if (entry !== undefined) {
      return draft.set('start_command', known(`node ${entry.value}`, entry.source));
    }
    draft.set('start_command', unknown('No Procfile and no script `start` is there.'));
  }

  private async entryFile(): Promise<Choice | undefined> {
    const main = this.manifest.at('main');
    if (main?.text !== undefined && (await this.files.has(main.text.replace(/^\.\//, '')))) {
      const source = { rule: 'package-json', file: this.file, line: main.line };
      return { value: main.text, source };
    }
    const names = await this.files.filesOf();
    const found = ENTRY_FILES.filter((name) => names.includes(name));
    const [name] = found;
    if (name === undefined || found.length > 1) return undefined;
    return {
      value: name,
      source: { rule: 'entry-file', file: this.files.pathOf(name), line: null },
    };
  }

  /** Others use it: it says what it exports, and nothing of it is started. */
  private async isLibrary(): Promise<boolean> {
    const { manifest, draft } = this;
    if (draft.isStarted || manifest.at('private')?.value === true) return false;
    const names = ['exports', 'module', 'types', 'main', 'bin', 'files', 'peerDependencies'];
    const found = names.flatMap((name) => manifest.at(name)?.line ?? []);
    const [line] = found;
    if (line === undefined) return false;
    draft.add('node-library', this.file, line, 0.1, 'it says what it exports, and starts nothing');
    return true;
  }

  private addPurpose(framework: NodeFramework | undefined, isLibrary: boolean): void {
    const { draft } = this;
    if (isLibrary) draft.becomeLibrary();
    else if (framework !== undefined) draft.purpose = framework.purpose;
    else if (draft.isStarted) draft.purpose = 'service';
  }

  private async addOutput(framework: NodeFramework | undefined): Promise<void> {
    if (framework !== undefined) this.draft.set('output_folder', await this.outputOf(framework));
  }

  private async outputOf({ name, output, outputBy }: NodeFramework): Promise<Fact> {
    if (output === undefined) {
      return unknown(`The configuration of ${name} decides, which only running it tells.`);
    }
    const usual = assumed(output, `Where ${name} writes by itself.`);
    const decision = outputBy && (await outputDecision(this.files, this.manifest, outputBy));
    if (decision === undefined) return usual;
    if ('value' in decision) return known(decision.value.value, decision.value.source);
    const { by, what } = decision;
    const place = `${by.file}:${by.line ?? 1}`;
    this.draft.add(by.rule, by.file, by.line, 0.1, `it decides where ${name} writes: ${what}`);
    return unknown(`${place} decides (${what}), which only running it tells.`);
  }

  private script(name: string, node: DataNode): Source {
    return { rule: `script-${name}`, file: this.file, line: node.line };
  }
}
