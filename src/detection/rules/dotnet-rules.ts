import { CandidateDraft } from '../candidate.js';
import { assumed, type Choice, factOf, known, unknown } from '../evidence.js';
import { xmlAll, type XmlElement } from '../manifests/read-xml.js';
import type { ProjectFiles } from '../project-files.js';
import { procfileStart } from './procfile.js';
import type { ProjectRules } from './project-rules.js';
import { runtimeVersion } from './runtime-version.js';

const PROJECT_FILE = /\.(?:cs|fs|vb)proj$/;
const TEST_SDK = 'Microsoft.NET.Test.Sdk';

interface Project {
  readonly name: string;
  readonly file: string;
  readonly root: XmlElement;
}

/** Projects with a .csproj, .fsproj or .vbproj. */
export const dotnetRules: ProjectRules = {
  type: 'dotnet',
  async examine(files) {
    const names = (await files.filesOf()).filter((name) => PROJECT_FILE.test(name));
    const projects: Project[] = [];
    for (const file of names) {
      const root = await files.xml(file);
      if (root?.name === 'Project')
        projects.push({ file, root, name: file.replace(PROJECT_FILE, '') });
    }
    if (projects.length === 0) return undefined;
    const draft = new CandidateDraft('dotnet');
    for (const { file } of projects) {
      draft.add('dotnet-project', files.pathOf(file), 1, 0.7, 'a project of .NET');
    }
    draft.set('package_manager', known('dotnet', sourceOf(files, projects[0])));
    draft.set('install_command', known('dotnet restore', sourceOf(files, projects[0])));
    draft.set('runtime_version', await version(files, projects));
    const programs = projects.filter(isProgram);
    for (const { file, root } of programs.filter(isWeb)) {
      draft.add(
        'dotnet-web',
        files.pathOf(file),
        root.line,
        0.5,
        'it uses the SDK of web projects',
      );
      draft.framework = 'aspnet';
    }
    await addCommands(draft, files, programs);
    return draft.end();
  },
};

async function addCommands(
  draft: CandidateDraft,
  files: ProjectFiles,
  programs: readonly Project[],
): Promise<void> {
  if (programs.length === 0) {
    draft.set('build_command', unknown('It has no program.'));
    return draft.becomeLibrary('Libraries and tests are never started.');
  }
  draft.purpose = 'service';
  const reason = 'It has several programs.';
  const commands = (command: (project: Project) => string): Choice[] =>
    programs.map((project) => ({ value: command(project), source: sourceOf(files, project) }));
  const build = commands(({ file }) => `dotnet publish ${file} -c Release -o out`);
  draft.set('build_command', factOf(build, reason, unknown(reason)));
  const start = commands((project) => `dotnet out/${assembly(project)}.dll`);
  const byProcfile = await procfileStart(files);
  draft.set('start_command', byProcfile ?? factOf(start, reason, unknown(reason)));
  if (programs.every(isWeb)) {
    draft.set('port', assumed('8080', 'The port of ASP.NET since .NET 8, by its images.'));
  }
}

function isProgram(project: Project): boolean {
  const references = property(project.root, 'ItemGroup', 'PackageReference');
  if (references.some(({ attributes }) => attributes.get('Include') === TEST_SDK)) return false;
  if (isWeb(project)) return true;
  const [output] = property(project.root, 'PropertyGroup', 'OutputType');
  return output?.text.toLowerCase() === 'exe';
}

function isWeb({ root }: Project): boolean {
  return root.attributes.get('Sdk') === 'Microsoft.NET.Sdk.Web';
}

function assembly({ root, name }: Project): string {
  return property(root, 'PropertyGroup', 'AssemblyName')[0]?.text ?? name;
}

function property(root: XmlElement, group: string, name: string): readonly XmlElement[] {
  return xmlAll(root, group).flatMap((each) => xmlAll(each, name));
}

async function version(
  files: ProjectFiles,
  projects: readonly Project[],
): ReturnType<typeof runtimeVersion> {
  const ofGlobal = async (): Promise<Choice | undefined> => {
    const path = await files.nearest('global.json');
    if (path === undefined) return undefined;
    const node = (await files.yamlAt(path))?.at('sdk', 'version');
    if (node?.text === undefined) return undefined;
    return { value: node.text, source: { rule: 'global-json', file: path, line: node.line } };
  };
  const ofProject = async (): Promise<Choice | undefined> => {
    for (const project of projects) {
      const [found] = property(project.root, 'PropertyGroup', 'TargetFramework');
      const value = /^net(\d+\.\d+)/.exec(found?.text ?? '')?.[1];
      if (found === undefined || value === undefined) continue;
      return { value, source: { ...sourceOf(files, project), line: found.line } };
    }
    return undefined;
  };
  return runtimeVersion(files, [{ of: ofGlobal }, { tool: 'dotnet' }, { of: ofProject }]);
}

function sourceOf(
  files: ProjectFiles,
  project: Project | undefined,
): { readonly rule: string; readonly file: string; readonly line: number } {
  return { rule: 'dotnet-project', file: files.pathOf(project?.file ?? ''), line: 1 };
}
