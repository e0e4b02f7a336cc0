import { quoted } from '../../common/values/redact-urls.js';
import type { CandidateView } from '../../detection/detection-view.js';
import type { Fact } from '../../detection/evidence.js';
import { type FoundStart, StartCommands } from '../../executions/attempt/steps/start-commands.js';
import type { FolderDetector } from '../folder-detector.js';

const SHOWN = 100;

/** Start commands that exactly one file of a project says. */
export class DetectedStarts extends StartCommands {
  constructor(private readonly detector: Pick<FolderDetector, 'detect'>) {
    super();
  }

  async find(root: string, folder: string, signal: AbortSignal): Promise<FoundStart> {
    const end = await this.detector.detect(
      { root, ...(folder !== '' && { path: folder }) },
      signal,
    );
    if (end.kind === 'problem') return unknown(end.problem.message);
    const { project, reason } = end.detection;
    return project === null ? unknown(reason) : startOf(project, folder);
  }
}

function startOf({ facts, purpose }: CandidateView, folder: string): FoundStart {
  const fact: Fact | undefined = facts['start_command'];
  if (fact === undefined) return unknown('nothing is known of it.');
  if (fact.state !== 'known') return unknown(whyNot(fact));
  if (purpose !== 'service') return unknown('what lies there is nothing that serves.');
  const { value: command, source } = fact;
  const inFolder = folder === '' ? '' : `${folder}/`;
  if (!source.file.startsWith(inFolder)) {
    return unknown(`${source.file} says it, and is no part of the release.`);
  }
  return { kind: 'found', command, file: source.file.slice(inFolder.length), line: source.line };
}

function whyNot(fact: Exclude<Fact, { state: 'known' }>): string {
  switch (fact.state) {
    case 'assumed':
      return `it may be "${quoted(fact.value, SHOWN)}", but no file says so.`;
    case 'ambiguous': {
      const choices = fact.choices.map(({ value }) => `"${quoted(value, SHOWN)}"`);
      return `it may be each of these: ${choices.join(', ')}.`;
    }
    case 'unknown':
      return fact.reason;
  }
}

function unknown(why: string): FoundStart {
  return { kind: 'unknown', why };
}
