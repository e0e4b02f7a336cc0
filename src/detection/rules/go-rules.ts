import { CandidateDraft } from '../candidate.js';
import { type Choice, factOf, known, unknown } from '../evidence.js';
import { type GoMod, readGoMod } from '../manifests/go-mod.js';
import type { ProjectFiles } from '../project-files.js';
import { procfileStart } from './procfile.js';
import type { ProjectRules } from './project-rules.js';
import { runtimeVersion } from './runtime-version.js';

const FRAMEWORKS = [
  ['gin', 'github.com/gin-gonic/gin'],
  ['echo', 'github.com/labstack/echo'],
  ['fiber', 'github.com/gofiber/fiber'],
  ['chi', 'github.com/go-chi/chi'],
] as const;
/** Go files of one folder that are read to see which package they are of. */
const MAX_FILES = 50;

/** Projects with a go.mod. */
export const goRules: ProjectRules = {
  type: 'go',
  async examine(files) {
    const text = await files.text('go.mod');
    if (text === undefined) return undefined;
    const draft = new CandidateDraft('go');
    const file = files.pathOf('go.mod');
    const mod = readGoMod(text);
    draft.add('go-mod', file, mod.module?.line ?? 1, 0.7, 'go.mod is the manifest of a Go module');
    for (const [name, path] of FRAMEWORKS) {
      // Later major versions have `/v2` and so on behind the path.
      const found = mod.requires.find(
        ({ value }) => value === path || value.startsWith(`${path}/v`),
      );
      if (found === undefined) continue;
      draft.add(`go-framework:${name}`, file, found.line, 0.3, `it requires ${path}`);
      draft.framework = name;
      break;
    }
    const source = { rule: 'go-mod', file, line: mod.module?.line ?? 1 };
    draft.set('package_manager', known('go', source));
    draft.set('install_command', known('go mod download', source));
    draft.set('runtime_version', await version(files, mod));
    await addPrograms(draft, files, mod);
    return draft.end();
  },
};

async function version(files: ProjectFiles, mod: GoMod): ReturnType<typeof runtimeVersion> {
  const directive = (name: 'go' | 'toolchain') => async (): Promise<Choice | undefined> => {
    const found = mod[name];
    if (found === undefined || found.value === 'default') return undefined;
    const source = { rule: 'go-mod', file: files.pathOf('go.mod'), line: found.line };
    return { value: found.value.replace(/^go/, ''), source };
  };
  return runtimeVersion(files, [
    { of: directive('toolchain') },
    { file: '.go-version' },
    { tool: 'golang' },
    { tool: 'go' },
    { of: directive('go') },
  ]);
}

/** One folder of `package main` is the program, of several nobody says which. */
async function addPrograms(draft: CandidateDraft, files: ProjectFiles, mod: GoMod): Promise<void> {
  const folders = ['', ...(await files.foldersOf('cmd')).map((name) => `cmd/${name}`)];
  const programs: Choice[] = [];
  for (const folder of folders) {
    const found = await mainPackage(files, folder);
    if (found !== undefined) programs.push({ value: folder, source: found });
  }
  const [program] = programs;
  if (program === undefined) {
    draft.set('build_command', unknown('It has no package `main`.'));
    return draft.becomeLibrary();
  }
  const { file, line } = program.source;
  draft.add('go-main', file, line, 0.3, 'a package `main` is a program');
  draft.purpose = 'service';
  const module = mod.module?.value.replace(/\/v\d+$/, '') ?? 'app';
  const commands = programs.map(({ value: folder, source }) => {
    const name = (folder === '' ? module : folder).split('/').at(-1) ?? 'app';
    return { name, path: folder === '' ? '.' : `./${folder}`, source };
  });
  const reason = 'It has several programs.';
  const none = unknown(reason);
  const build = commands.map(({ name, path, source }) => ({
    value: `go build -o bin/${name} ${path}`,
    source,
  }));
  draft.set('build_command', factOf(build, reason, none));
  const start = commands.map(({ name, source }) => ({ value: `bin/${name}`, source }));
  draft.set('start_command', (await procfileStart(files)) ?? factOf(start, reason, none));
}

async function mainPackage(
  files: ProjectFiles,
  folder: string,
): Promise<Choice['source'] | undefined> {
  const names = await files.filesOf(folder);
  const sources = names.filter((name) => name.endsWith('.go') && !name.endsWith('_test.go'));
  for (const name of sources.slice(0, MAX_FILES)) {
    const path = folder === '' ? name : `${folder}/${name}`;
    const source = await files.source(path, 'c');
    for (const { line } of source?.matches(/^package[ \t]+main\b/gm) ?? []) {
      // Of a file with a constraint `ignore` no program is built.
      const text = await files.text(path);
      if (/^\/\/go:build\s+ignore\b/m.test(text ?? '')) break;
      return { rule: 'go-main', file: files.pathOf(path), line };
    }
  }
  return undefined;
}
