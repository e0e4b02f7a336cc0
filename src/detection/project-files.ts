import { type Parsed, type DataNode } from './manifests/data-node.js';
import { readToml } from './manifests/read-toml.js';
import { type ParsedXml, readXml, type XmlElement } from './manifests/read-xml.js';
import { readYaml } from './manifests/read-yaml.js';
import { type Lexis, SourceText } from './manifests/source-text.js';
import type { ProjectTree, TreeName } from './tree/project-tree.js';

/** A file of the project that cannot be read as what its name says. */
export interface FileProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** What was read of a project, by paths from its top. */
interface Known {
  readonly texts: Map<string, Promise<string | undefined>>;
  readonly lists: Map<string, Promise<readonly TreeName[]>>;
  readonly parsed: Map<string, Promise<DataNode | undefined>>;
}

/**
 * The files of one folder of a project, and of the folders above it up to the top: a part of a
 * monorepo has its lock file there. Every file is read and parsed once.
 */
export class ProjectFiles {
  readonly problems: FileProblem[] = [];

  constructor(
    private readonly tree: ProjectTree,
    /** Below the top; `''` is the top. */
    readonly folder: string,
    private readonly known: Known = { texts: new Map(), lists: new Map(), parsed: new Map() },
  ) {}

  /** Another folder of the same project, which reads no file above it again. */
  below(name: string): ProjectFiles {
    return new ProjectFiles(this.tree, this.pathOf(name), this.known);
  }

  /** As the top calls it. */
  pathOf(path: string): string {
    return this.folder === '' ? path : `${this.folder}/${path}`;
  }

  /** Names in a folder below this one; none where there is no such folder. */
  names(folder = ''): Promise<readonly TreeName[]> {
    return this.namesAt(folder === '' ? this.folder : this.pathOf(folder));
  }

  async filesOf(folder = ''): Promise<readonly string[]> {
    return (await this.names(folder)).flatMap(({ name, kind }) => (kind === 'file' ? name : []));
  }

  async foldersOf(folder = ''): Promise<readonly string[]> {
    return (await this.names(folder)).flatMap(({ name, kind }) => (kind === 'folder' ? name : []));
  }

  async has(path: string): Promise<boolean> {
    const at = path.lastIndexOf('/');
    return (await this.filesOf(path.slice(0, Math.max(at, 0)))).includes(path.slice(at + 1));
  }

  text(path: string): Promise<string | undefined> {
    return this.textAt(this.pathOf(path));
  }

  async lines(path: string): Promise<readonly string[] | undefined> {
    return (await this.text(path))?.split(/\r?\n/);
  }

  /** A file of JSON or YAML; undefined also when it cannot be parsed, which is noted. */
  yaml(path: string): Promise<DataNode | undefined> {
    return this.parse(this.pathOf(path), readYaml);
  }

  toml(path: string): Promise<DataNode | undefined> {
    return this.parse(this.pathOf(path), readToml);
  }

  async xml(path: string): Promise<XmlElement | undefined> {
    const text = await this.text(path);
    if (text === undefined) return undefined;
    const parsed: ParsedXml = readXml(text);
    if ('root' in parsed) return parsed.root;
    this.note(this.pathOf(path), parsed);
    return undefined;
  }

  async source(path: string, lexis: Lexis): Promise<SourceText | undefined> {
    const text = await this.text(path);
    return text === undefined ? undefined : new SourceText(text, lexis);
  }

  /** Of files by this name, the one of this folder or of the nearest above it: its path. */
  async nearest(name: string): Promise<string | undefined> {
    for (const folder of this.upward()) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if ((await this.textAt(path)) !== undefined) return path;
    }
    return undefined;
  }

  /** Files by these names in the nearest folder that has one of them: their paths. */
  async nearestOf(names: readonly string[]): Promise<readonly string[]> {
    for (const folder of this.upward()) {
      const there = new Set((await this.namesAt(folder)).map(({ name }) => name));
      const found = names.filter((name) => there.has(name));
      if (found.length === 0) continue;
      return found.map((name) => (folder === '' ? name : `${folder}/${name}`));
    }
    return [];
  }

  /** The text of a path that is told from the top. */
  textAt(path: string): Promise<string | undefined> {
    return once(this.known.texts, path, () => this.tree.read(path));
  }

  yamlAt(path: string): Promise<DataNode | undefined> {
    return this.parse(path, readYaml);
  }

  tomlAt(path: string): Promise<DataNode | undefined> {
    return this.parse(path, readToml);
  }

  /** This folder, and those above it. */
  upward(): readonly string[] {
    const names = this.folder === '' ? [] : this.folder.split('/');
    return [...names.keys()]
      .map((count) => names.slice(0, names.length - count).join('/'))
      .concat('');
  }

  private namesAt(path: string): Promise<readonly TreeName[]> {
    return once(this.known.lists, path, async () => (await this.tree.list(path)) ?? []);
  }

  private parse(path: string, read: (text: string) => Parsed): Promise<DataNode | undefined> {
    return once(this.known.parsed, path, async () => {
      const text = await this.textAt(path);
      if (text === undefined) return undefined;
      const parsed = read(text);
      if ('root' in parsed) return parsed.root;
      this.note(path, parsed);
      return undefined;
    });
  }

  private note(file: string, { problem, line }: { problem: string; line: number }): void {
    this.problems.push({ file, line, message: problem });
  }
}

function once<T>(done: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const there = done.get(key);
  if (there !== undefined) return there;
  const made = work();
  done.set(key, made);
  return made;
}
