import { ProjectTree, type TreeName } from './project-tree.js';

/** Files in memory, by their paths. */
export class MemoryTree extends ProjectTree {
  private readonly files: ReadonlyMap<string, string>;

  constructor(files: Readonly<Record<string, string>>) {
    super();
    this.files = new Map(Object.entries(files));
  }

  async list(folder: string): Promise<readonly TreeName[] | undefined> {
    const start = folder === '' ? '' : `${folder}/`;
    const found = new Map<string, TreeName>();
    for (const path of this.files.keys()) {
      if (!path.startsWith(start)) continue;
      const [name = '', ...rest] = path.slice(start.length).split('/');
      found.set(name, { name, kind: rest.length > 0 ? 'folder' : 'file' });
    }
    if (found.size === 0 && folder !== '') return undefined;
    return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async read(path: string): Promise<string | undefined> {
    return this.files.get(path);
  }
}
