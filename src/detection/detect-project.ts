import type { Candidate, ProjectType } from './candidate.js';
import { confidenceOf, type Evidence } from './evidence.js';
import { type FileProblem, ProjectFiles } from './project-files.js';
import { dockerRules, composeRules } from './rules/docker-rules.js';
import { dotnetRules } from './rules/dotnet-rules.js';
import { elixirRules } from './rules/elixir-rules.js';
import { goRules } from './rules/go-rules.js';
import { javaRules } from './rules/java-rules.js';
import { nodeRules } from './rules/node-rules.js';
import { phpRules } from './rules/php-rules.js';
import type { ProjectRules } from './rules/project-rules.js';
import { pythonRules } from './rules/python-rules.js';
import { rubyRules } from './rules/ruby-rules.js';
import { rustRules } from './rules/rust-rules.js';
import { staticRules } from './rules/static-rules.js';
import type { ProjectTree } from './tree/project-tree.js';

export interface DetectOptions {
  /** Below the top of the tree; its manifests above are read, too. */
  readonly folder?: string;
  /** What a person has chosen: it is taken, whatever the evidence. */
  readonly type?: ProjectType;
}

export interface Detection {
  readonly folder: string;
  /**
   * - `detected`: `project` is what it is.
   * - `ambiguous`: several candidates are as likely; a person chooses.
   * - `parts`: the folder holds projects, and is none that could be put into service itself.
   * - `unknown`: nothing is likely enough.
   */
  readonly outcome: 'detected' | 'ambiguous' | 'parts' | 'unknown';
  /** Why, in a sentence. */
  readonly reason: string;
  readonly project: Candidate | null;
  /** Most likely first. */
  readonly candidates: readonly Candidate[];
  readonly parts: readonly Part[];
  /** Manifests that cannot be parsed. */
  readonly problems: readonly FileProblem[];
}

export interface Part {
  readonly folder: string;
  readonly type: ProjectType;
  readonly framework: string | null;
  readonly purpose: Candidate['purpose'];
}

const RULES: readonly ProjectRules[] = [
  nodeRules,
  pythonRules,
  goRules,
  rustRules,
  javaRules,
  dotnetRules,
  phpRules,
  rubyRules,
  elixirRules,
  staticRules,
  dockerRules,
  composeRules,
];
/** They package what another candidate is. */
const PACKAGING: ReadonlySet<ProjectType> = new Set(['docker', 'compose']);
/** Below it a candidate is no answer. */
const LIKELY = 0.4;
/** Candidates whose confidence is as near as this are equally likely. */
const NEAR = 0.15;
/** Folders that hold no project of their own. */
const SKIPPED =
  /^(?:\..*|_.*|node_modules|vendor|target|dist|build|out|bin|obj|tests?|specs?|testdata|fixtures|examples?|docs?)$/;
const MAX_PARTS_LOOKED_AT = 200;

/**
 * What a folder holds, by evidence in its files. Nothing is run and nothing is guessed: what the
 * files do not say, or say twice, is told as such.
 * @throws an error of the tree
 */
export async function detectProject(
  tree: ProjectTree,
  { folder = '', type }: DetectOptions = {},
): Promise<Detection> {
  const files = new ProjectFiles(tree, folder);
  const candidates = weighed(await examined(files));
  const [outcome, reason, project] = decided(candidates, type);
  const isWhole = project !== null && project.purpose !== 'unknown';
  const parts = isWhole || type !== undefined ? [] : await partsOf(files);
  const common = { folder, candidates, parts, problems: files.problems };
  if (parts.length > 0 && outcome !== 'ambiguous') {
    const folders = parts.map((part) => part.folder).join(', ');
    const why = `It holds several projects: choose a folder (${folders}).`;
    return { ...common, outcome: 'parts', reason: why, project: null };
  }
  return { ...common, outcome, reason, project };
}

async function examined(files: ProjectFiles): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const rules of RULES) {
    const candidate = await rules.examine(files);
    if (candidate !== undefined) found.push(candidate);
  }
  return found;
}

/** With what candidates say of each other, most likely first. */
function weighed(candidates: readonly Candidate[]): Candidate[] {
  const back = candidates.find(
    ({ type, framework }) =>
      framework !== null && type !== 'node' && type !== 'static' && !PACKAGING.has(type),
  );
  const front = candidates.find(({ type, framework }) => type === 'node' && framework !== null);
  return candidates
    .map((candidate) => {
      const { type, purpose } = candidate;
      if (type === 'node' && purpose !== 'service' && back !== undefined) {
        return against(candidate, back, 'it is the front end of what serves');
      }
      const other = back ?? front ?? candidates.find((one) => one.type === 'php');
      if (type === 'static' && other !== undefined) {
        return against(candidate, other, 'the page is a part of another project');
      }
      return candidate;
    })
    .sort((a, b) => b.confidence - a.confidence);
}

function against(candidate: Candidate, other: Candidate, what: string): Candidate {
  const [first] = candidate.evidence;
  const [proof] = other.evidence;
  if (first === undefined || proof === undefined) return candidate;
  const evidence: Evidence[] = [
    ...candidate.evidence,
    {
      rule: 'companion',
      file: proof.file,
      line: proof.line,
      weight: -0.6,
      message: `${what}: ${other.framework ?? other.type}`,
    },
  ];
  return { ...candidate, evidence, confidence: confidenceOf(evidence) };
}

function decided(
  candidates: readonly Candidate[],
  chosen: ProjectType | undefined,
): readonly [Detection['outcome'], string, Candidate | null] {
  if (chosen !== undefined) {
    const found = candidates.find(({ type }) => type === chosen);
    if (found !== undefined) return ['detected', `${chosen} was chosen.`, found];
    return ['unknown', `${chosen} was chosen, and no file hints at it.`, null];
  }
  const likely = candidates.filter(({ confidence }) => confidence >= LIKELY);
  const packaged = likely.filter(({ type }) => PACKAGING.has(type));
  const own = likely.filter(({ type }) => !PACKAGING.has(type));
  const [first, second] = own;
  const isUsable = first !== undefined && (first.purpose === 'service' || first.purpose === 'site');
  if (!isUsable && packaged[0] !== undefined) {
    return ['detected', `Its ${packaged[0].type} files say how it runs.`, packaged[0]];
  }
  if (first === undefined) return ['unknown', 'No file hints at a type of project.', null];
  if (second !== undefined && first.confidence - second.confidence < NEAR) {
    const near = own.filter((one) => first.confidence - one.confidence < NEAR);
    const names = near.map(({ type }) => type).join(', ');
    return ['ambiguous', `It may as well be each of these: ${names}. Choose one.`, null];
  }
  return ['detected', sentence(first), first];
}

function sentence({ type, framework, evidence }: Candidate): string {
  const name = framework === null ? type : `${type} (${framework})`;
  const [strongest] = evidence;
  return strongest === undefined ? `${name}.` : `${name}: ${strongest.message}.`;
}

/** Projects in folders below, two deep: where a folder is one, its own folders are its affair. */
async function partsOf(files: ProjectFiles): Promise<Part[]> {
  const parts: Part[] = [];
  let count = 0;
  const look = async (folder: ProjectFiles, depth: number): Promise<void> => {
    for (const name of await folder.foldersOf()) {
      if (SKIPPED.test(name) || count >= MAX_PARTS_LOOKED_AT) continue;
      count += 1;
      const below = folder.below(name);
      const [, , project] = decided(weighed(await examined(below)), undefined);
      if (project !== null) {
        const { type, framework, purpose } = project;
        parts.push({ folder: below.folder, type, framework, purpose });
      } else if (depth < 2) await look(below, depth + 1);
    }
  };
  await look(files, 1);
  return parts;
}
