import { CandidateDraft } from '../candidate.js';
import { type Choice, factOf, known, unknown } from '../evidence.js';
import type { DataNode } from '../manifests/data-node.js';
import type { ProjectFiles } from '../project-files.js';
import { procfileStart } from './procfile.js';
import type { ProjectRules } from './project-rules.js';
import { runtimeVersion } from './runtime-version.js';

const FRAMEWORKS = ['axum', 'actix-web', 'rocket', 'warp', 'poem', 'salvo'];
const MANIFEST = 'Cargo.toml';

/** Projects with a Cargo.toml. */
export const rustRules: ProjectRules = {
  type: 'rust',
  async examine(files) {
    const manifest = await files.toml(MANIFEST);
    if (manifest === undefined) return undefined;
    const draft = new CandidateDraft('rust');
    const file = files.pathOf(MANIFEST);
    draft.add('cargo-toml', file, 1, 0.7, 'Cargo.toml is the manifest of a Rust project');
    for (const name of FRAMEWORKS) {
      const node = manifest.at('dependencies', name);
      if (node === undefined) continue;
      draft.add(`rust-framework:${name}`, file, node.line, 0.3, `it depends on ${name}`);
      draft.framework = name;
      break;
    }
    const [lock] = await files.nearestOf(['Cargo.lock']);
    if (lock !== undefined) draft.add('lock-file', lock, null, 0.1, 'a lock file of Cargo');
    const source = { rule: 'cargo-toml', file, line: 1 };
    draft.set('package_manager', known('cargo', source));
    draft.set('install_command', known(lock ? 'cargo fetch --locked' : 'cargo fetch', source));
    draft.set('runtime_version', await version(files, manifest));
    await addPrograms(draft, files, manifest);
    return draft.end();
  },
};

async function version(files: ProjectFiles, manifest: DataNode): ReturnType<typeof runtimeVersion> {
  const ofToolchain = async (): Promise<Choice | undefined> => {
    const path = await files.nearest('rust-toolchain.toml');
    if (path === undefined) return undefined;
    const node = (await files.tomlAt(path))?.at('toolchain', 'channel');
    if (node?.text === undefined) return undefined;
    return { value: node.text, source: { rule: 'rust-toolchain', file: path, line: node.line } };
  };
  const ofManifest = async (): Promise<Choice | undefined> => {
    const node = manifest.at('package', 'rust-version');
    if (node?.text === undefined) return undefined;
    const source = { rule: 'cargo-toml', file: files.pathOf(MANIFEST), line: node.line };
    return { value: node.text, source };
  };
  return runtimeVersion(files, [
    { of: ofToolchain },
    { file: 'rust-toolchain' },
    { tool: 'rust' },
    { of: ofManifest },
  ]);
}

/** Programs by `[[bin]]`, `src/main.rs` and `src/bin/`, as Cargo finds them. */
async function addPrograms(
  draft: CandidateDraft,
  files: ProjectFiles,
  manifest: DataNode,
): Promise<void> {
  const file = files.pathOf(MANIFEST);
  const name = manifest.at('package', 'name');
  if (name?.text === undefined) {
    draft.add('cargo-workspace', file, 1, -0.3, 'Cargo.toml has no package: parts are below it');
    draft.set('build_command', unknown('It has no package.'));
    return draft.set('start_command', unknown('It has no package.'));
  }
  const programs: Choice[] = (manifest.at('bin')?.items ?? []).flatMap((bin) => {
    const value = bin.at('name')?.text;
    return value === undefined
      ? []
      : [{ value, source: { rule: 'cargo-bin', file, line: bin.line } }];
  });
  const add = (value: string, path: string): void => {
    if (programs.some((one) => one.value === value)) return;
    programs.push({ value, source: { rule: 'cargo-bin', file: files.pathOf(path), line: null } });
  };
  if (programs.length === 0 && (await files.has('src/main.rs'))) add(name.text, 'src/main.rs');
  for (const one of await files.filesOf('src/bin')) {
    if (one.endsWith('.rs')) add(one.replace(/\.rs$/, ''), `src/bin/${one}`);
  }
  const [program] = programs;
  if (program === undefined) {
    draft.set('build_command', unknown('It has no program.'));
    return draft.becomeLibrary();
  }
  draft.add('cargo-bin', program.source.file, program.source.line, 0.3, 'it has a program');
  draft.purpose = 'service';
  draft.set('build_command', known('cargo build --release', { rule: 'cargo-toml', file, line: 1 }));
  const asked = manifest.at('package', 'default-run')?.text;
  const wanted = programs.filter(({ value }) => asked === undefined || value === asked);
  const start = wanted.map(({ value, source }) => ({ value: `target/release/${value}`, source }));
  const reason = 'It has several programs; `default-run` in Cargo.toml says which is started.';
  draft.set(
    'start_command',
    (await procfileStart(files)) ?? factOf(start, reason, unknown(reason)),
  );
}
