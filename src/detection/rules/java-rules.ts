import { CandidateDraft } from '../candidate.js';
import {
  assumed,
  type Choice,
  type Fact,
  factOf,
  known,
  type Source,
  unknown,
} from '../evidence.js';
import type { SourceText } from '../manifests/source-text.js';
import { xmlAll, xmlAt, type XmlElement } from '../manifests/read-xml.js';
import type { ProjectFiles } from '../project-files.js';
import { procfileStart } from './procfile.js';
import type { ProjectRules } from './project-rules.js';
import { runtimeVersion } from './runtime-version.js';

/** Groups of dependencies, or plugins, that tell a framework, and what it serves by itself. */
const FRAMEWORKS = [
  { name: 'spring-boot', group: 'org.springframework.boot', plugin: 'org.springframework.boot' },
  { name: 'quarkus', group: 'io.quarkus', plugin: 'io.quarkus' },
  { name: 'micronaut', group: 'io.micronaut', plugin: 'io.micronaut.application' },
  { name: 'ktor', group: 'io.ktor', plugin: 'io.ktor.plugin' },
] as const;
type Framework = (typeof FRAMEWORKS)[number];
const PORT = '8080';

/** Projects of Java and Kotlin, by Maven or Gradle. */
export const javaRules: ProjectRules = {
  type: 'java',
  async examine(files) {
    const draft = new CandidateDraft('java');
    const pom = await files.xml('pom.xml');
    const gradle = await gradleFile(files);
    if (pom === undefined && gradle === undefined) return undefined;
    const managers: Choice[] = [];
    if (pom !== undefined) {
      const source = draft.add('pom-xml', files.pathOf('pom.xml'), 1, 0.7, 'a project of Maven');
      managers.push({ value: 'maven', source });
    }
    if (gradle !== undefined) {
      const source = draft.add('gradle', files.pathOf(gradle), 1, 0.7, 'a project of Gradle');
      managers.push({ value: 'gradle', source });
    }
    const reason = 'A pom.xml and a build file of Gradle are there: remove one of them.';
    const manager = factOf(managers, reason, unknown(reason));
    draft.set('package_manager', manager);
    draft.set('install_command', unknown('The build fetches what it needs.'));
    if (manager.state !== 'known') {
      for (const name of ['build_command', 'start_command'] as const)
        draft.set(name, unknown(reason));
    } else if (pom !== undefined) await addMaven(draft, files, pom, manager.source);
    else if (gradle !== undefined) await addGradle(draft, files, gradle, manager.source);
    const byProcfile = await procfileStart(files);
    if (byProcfile !== undefined) draft.set('start_command', byProcfile);
    if (draft.isStarted) draft.purpose = 'service';
    if (draft.framework !== null) {
      draft.set('port', assumed(PORT, `The port of ${draft.framework} by itself.`));
    }
    return draft.end();
  },
};

async function addMaven(
  draft: CandidateDraft,
  files: ProjectFiles,
  pom: XmlElement,
  source: Source,
): Promise<void> {
  const { file } = source;
  const groups = [
    ...xmlAll(xmlAt(pom, 'dependencies'), 'dependency'),
    ...xmlAll(pom, 'parent'),
    ...xmlAll(xmlAt(pom, 'build', 'plugins'), 'plugin'),
  ].flatMap((element) => xmlAt(element, 'groupId') ?? []);
  const framework = FRAMEWORKS.find((one) => groups.some(({ text }) => text === one.group));
  if (framework !== undefined) {
    const line = groups.find(({ text }) => text === framework.group)?.line ?? 1;
    addFramework(draft, framework, file, line);
  }
  draft.set('health_path', mavenHealth(pom, file));
  const properties = xmlAt(pom, 'properties');
  const property = (name: string) => async (): Promise<Choice | undefined> => {
    const found = xmlAt(properties, name);
    if (found === undefined || !/^\d/.test(found.text)) return undefined;
    return { value: found.text, source: { rule: 'pom-xml', file, line: found.line } };
  };
  draft.set(
    'runtime_version',
    await javaVersion(files, [
      { of: property('maven.compiler.release') },
      { of: property('java.version') },
      { of: property('maven.compiler.target') },
    ]),
  );
  const maven = (await files.has('mvnw')) ? './mvnw' : 'mvn';
  draft.set('build_command', known(`${maven} -B package -DskipTests`, source));
  if (xmlAt(pom, 'modules') !== undefined) {
    draft.add('maven-modules', file, xmlAt(pom, 'modules')?.line ?? 1, -0.3, 'parts are below it');
    return draft.set('start_command', unknown('It has modules: choose the folder of one.'));
  }
  const packaging = xmlAt(pom, 'packaging')?.text ?? 'jar';
  const why = plainJar(draft, framework, packaging);
  if (why !== undefined) return draft.set('start_command', unknown(why));
  const name = xmlAt(pom, 'build', 'finalName')?.text ?? jarName(pom);
  if (framework?.name === 'quarkus') {
    const reason = 'Where Quarkus writes by itself.';
    return draft.set(
      'start_command',
      assumed('java -jar target/quarkus-app/quarkus-run.jar', reason),
    );
  }
  const isLiteral = name !== undefined && !name.includes('${');
  const reason = 'The name of the jar is computed.';
  const command = isLiteral ? known(`java -jar target/${name}.jar`, source) : unknown(reason);
  draft.set('start_command', command);
}

/** Libraries by which a framework answers whether it is well, and where. */
const HEALTH = [
  ['spring-boot-starter-actuator', '/actuator/health'],
  ['quarkus-smallrye-health', '/q/health'],
  ['micronaut-management', '/health'],
] as const;

function mavenHealth(pom: XmlElement, file: string): Fact {
  const ids = xmlAll(xmlAt(pom, 'dependencies'), 'dependency').flatMap(
    (element) => xmlAt(element, 'artifactId') ?? [],
  );
  for (const [name, path] of HEALTH) {
    const found = ids.find(({ text }) => text === name);
    if (found) return known(path, { rule: 'health-library', file, line: found.line });
  }
  return unknown('No library for it is among the dependencies.');
}

/** Undefined: the version is the parent's. */
function jarName(pom: XmlElement): string | undefined {
  const [id, version] = ['artifactId', 'version'].map((name) => xmlAt(pom, name)?.text);
  return id === undefined || version === undefined ? undefined : `${id}-${version}`;
}

function plainJar(
  draft: CandidateDraft,
  framework: Framework | undefined,
  packaging: string,
): string | undefined {
  if (packaging === 'war') return 'A war runs in a server that no file names.';
  if (framework !== undefined) return undefined;
  draft.purpose = 'library';
  return 'A plain jar is never started: no framework makes a program of it.';
}

async function gradleFile(files: ProjectFiles): Promise<string | undefined> {
  for (const name of ['build.gradle.kts', 'build.gradle']) if (await files.has(name)) return name;
  return undefined;
}

async function addGradle(
  draft: CandidateDraft,
  files: ProjectFiles,
  path: string,
  source: Source,
): Promise<void> {
  const build = await files.source(path, 'c');
  const { file } = source;
  const plugins = build === undefined ? [] : pluginsOf(build);
  const framework = FRAMEWORKS.find((one) => plugins.some(({ value }) => value === one.plugin));
  if (framework !== undefined) {
    const line = plugins.find(({ value }) => value === framework.plugin)?.line ?? 1;
    addFramework(draft, framework, file, line);
  }
  const ofToolchain = async (): Promise<Choice | undefined> => {
    for (const { match, line } of build?.matches(
      /\bJavaLanguageVersion\.of\((\d+)\)|\bjvmToolchain\((\d+)\)/g,
    ) ?? []) {
      const value = match[1] ?? match[2];
      if (value !== undefined) return { value, source: { rule: 'gradle', file, line } };
    }
    return undefined;
  };
  draft.set('runtime_version', await javaVersion(files, [{ of: ofToolchain }]));
  const gradle = (await files.has('gradlew')) ? './gradlew' : 'gradle';
  const application = plugins.find(({ value }) => value === 'application');
  if (framework?.name === 'spring-boot') {
    draft.set('build_command', known(`${gradle} bootJar`, source));
  } else if (framework !== undefined || application !== undefined) {
    draft.set('build_command', known(`${gradle} installDist`, source));
  } else {
    draft.set('build_command', known(`${gradle} assemble`, source));
    return draft.becomeLibrary('A plain jar is never started: no plugin makes a program of it.');
  }
  draft.purpose = 'service';
  draft.set('start_command', unknown('The name of what is built is computed.'));
}

/** Plugins that a build file names in its block `plugins`: `id("x")`, `id 'x'`, or a bare word. */
function pluginsOf(
  build: SourceText,
): readonly { readonly value: string; readonly line: number }[] {
  const found: { value: string; line: number }[] = [];
  for (const { match, line } of build.matches(/^[ \t]*id[ \t]*\(?[ \t]*(?=["'])/gm)) {
    const value = build.textAt(match.index + match[0].length);
    if (value !== undefined) found.push({ value, line });
  }
  for (const { match, line } of build.matches(/^[ \t]*`?(application|java-library)`?[ \t]*$/gm)) {
    found.push({ value: match[1] ?? '', line });
  }
  return found;
}

function addFramework(
  draft: CandidateDraft,
  framework: Framework,
  file: string,
  line: number,
): void {
  draft.add(`java-framework:${framework.name}`, file, line, 0.5, `it uses ${framework.name}`);
  draft.framework = framework.name;
}

function javaVersion(
  files: ProjectFiles,
  manifest: readonly { readonly of: () => Promise<Choice | undefined> }[],
): ReturnType<typeof runtimeVersion> {
  return runtimeVersion(files, [{ file: '.java-version' }, { tool: 'java' }, ...manifest]);
}
