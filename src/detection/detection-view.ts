import type { Candidate } from './candidate.js';
import type { Detection } from './detect-project.js';
import type { Fact } from './evidence.js';

/** A detection as JSON: in answers of the API and of `detect --json`. */
export interface DetectionView extends Omit<Detection, 'project' | 'candidates'> {
  readonly project: CandidateView | null;
  readonly candidates: readonly CandidateView[];
}

export interface CandidateView extends Omit<Candidate, 'facts'> {
  readonly facts: Readonly<Record<string, Fact>>;
}

export function detectionView(detection: Detection): DetectionView {
  const { project, candidates } = detection;
  return {
    ...detection,
    project: project === null ? null : candidateView(project),
    candidates: candidates.map(candidateView),
  };
}

/** Names of facts are ours. */
function candidateView(candidate: Candidate): CandidateView {
  return { ...candidate, facts: Object.fromEntries(candidate.facts) };
}
