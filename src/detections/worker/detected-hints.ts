import { quoted } from '../../common/values/redact-urls.js';
import type { CandidateView, DetectionView } from '../../detection/detection-view.js';
import type { Fact, Source } from '../../detection/evidence.js';
import {
  DeployHints,
  type FileHint,
  type FoundDockerfile,
  type FoundFolder,
} from '../../executions/attempt/steps/deploy-hints.js';
import type { FolderDetector } from '../folder-detector.js';

const SHOWN = 100;

/** What exactly one file of a project says, by the rules of detection. */
export class DetectedHints extends DeployHints {
  constructor(private readonly detector: Pick<FolderDetector, 'detect'>) {
    super();
  }

  async dockerfile(root: string, folder: string, signal: AbortSignal): Promise<FoundDockerfile> {
    const request = { root, ...(folder !== '' && { path: folder }) };
    const end = await this.detector.detect(request, signal);
    if (end.kind === 'problem') return unknown(end.problem.message);
    const docker = end.detection.candidates.find(({ type }) => type === 'docker');
    const [proof] = docker?.evidence ?? [];
    if (docker === undefined || proof === undefined) {
      return unknown('there is neither Dockerfile nor Containerfile.');
    }
    if (factOf(docker, 'build_command').state !== 'known') return unknown(`${proof.message}.`);
    const port = hintOf(docker, 'port');
    const healthPath = hintOf(docker, 'health_path');
    return {
      ...{ kind: 'found', name: proof.file.slice(proof.file.lastIndexOf('/') + 1) },
      ...(port && { port }),
      ...(healthPath && { healthPath }),
    };
  }

  async output(root: string, signal: AbortSignal): Promise<FoundFolder> {
    const end = await this.detector.detect({ root }, signal);
    if (end.kind === 'problem') return unknown(end.problem.message);
    const { project, reason } = end.detection;
    if (project === null) return unknown(`${reason}${candidatesOf(end.detection)}`);
    const fact = factOf(project, 'output_folder');
    if (fact.state !== 'known') return unknown(`${why(fact)}`);
    if (project.purpose !== 'site') return unknown('what lies there is no site.');
    return { kind: 'found', folder: fact.value, from: placeOf(fact.source) };
  }
}

function hintOf(candidate: CandidateView, name: string): FileHint | undefined {
  const fact = factOf(candidate, name);
  if (fact.state !== 'known') return undefined;
  return { value: fact.value, from: placeOf(fact.source) };
}

function factOf({ facts }: CandidateView, name: string): Fact {
  return facts[name] ?? { state: 'unknown', reason: 'Nothing is known of it.' };
}

function placeOf({ file, line }: Source): string {
  return line === null ? file : `${file}:${line}`;
}

function why(fact: Exclude<Fact, { state: 'known' }>): string {
  switch (fact.state) {
    case 'assumed':
      return `it may be "${quoted(fact.value, SHOWN)}", but no file says so.`;
    case 'ambiguous': {
      const choices = fact.choices.map(
        ({ value, source }) => `"${quoted(value, SHOWN)}" (${placeOf(source)})`,
      );
      return `it may be each of these: ${choices.join(', ')}.`;
    }
    case 'unknown':
      return fact.reason;
  }
}

/** What it may be, where nobody can say of what kind the project is. */
function candidatesOf({ candidates }: DetectionView): string {
  const said = candidates.flatMap((one) => {
    const fact = factOf(one, 'output_folder');
    if (fact.state !== 'known' && fact.state !== 'assumed') return [];
    return [`"${quoted(fact.value, SHOWN)}" (${one.framework ?? one.type})`];
  });
  return said.length === 0 ? '' : ` It may be ${said.join(' or ')}.`;
}

function unknown(reason: string): { readonly kind: 'unknown'; readonly why: string } {
  return { kind: 'unknown', why: reason };
}
