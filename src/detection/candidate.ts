import { confidenceOf, type Evidence, type Fact, type Source, unknown } from './evidence.js';

export const PROJECT_TYPES = [
  'node',
  'python',
  'go',
  'rust',
  'java',
  'dotnet',
  'php',
  'ruby',
  'elixir',
  'static',
  'docker',
  'compose',
] as const;
export type ProjectType = (typeof PROJECT_TYPES)[number];

/** What can be known of a project beside its type. */
export const FACTS = [
  'package_manager',
  'runtime_version',
  'install_command',
  'build_command',
  'start_command',
  'port',
  'health_path',
  'output_folder',
] as const;
export type FactName = (typeof FACTS)[number];

export interface Candidate {
  readonly type: ProjectType;
  readonly framework: string | null;
  readonly confidence: number;
  /**
   * - `service`: it can be started. `site`: its output is files. `library`: others use it; it is
   *   never started. `unknown`: nothing says what it is.
   */
  readonly purpose: Purpose;
  readonly facts: ReadonlyMap<FactName, Fact>;
  /** Strongest first. */
  readonly evidence: readonly Evidence[];
}

export type Purpose = 'service' | 'site' | 'library' | 'unknown';

/** A candidate while its rules look at the files. */
export class CandidateDraft {
  private readonly evidence: Evidence[] = [];
  private readonly facts = new Map<FactName, Fact>();
  framework: string | null = null;
  purpose: Purpose = 'unknown';

  constructor(private readonly type: ProjectType) {}

  /** Notes evidence; answers where it was read. */
  add(rule: string, file: string, line: number | null, weight: number, message: string): Source {
    this.evidence.push({ rule, file, line, weight, message });
    return { rule, file, line };
  }

  set(name: FactName, fact: Fact): void {
    this.facts.set(name, fact);
  }

  get(name: FactName): Fact | undefined {
    return this.facts.get(name);
  }

  /** Others use it: whatever else was found, it is never started. */
  becomeLibrary(reason = 'A library is never started.'): void {
    this.purpose = 'library';
    this.set('start_command', unknown(reason));
  }

  get hasEvidence(): boolean {
    return this.evidence.length > 0;
  }

  get isStarted(): boolean {
    const state = this.facts.get('start_command')?.state;
    return state === 'known' || state === 'assumed' || state === 'ambiguous';
  }

  end(): Candidate {
    const facts = new Map<FactName, Fact>();
    for (const name of FACTS) {
      facts.set(name, this.facts.get(name) ?? unknown('No file says so.'));
    }
    return {
      type: this.type,
      framework: this.framework,
      confidence: confidenceOf(this.evidence),
      purpose: this.purpose,
      facts,
      evidence: [...this.evidence].sort((a, b) => b.weight - a.weight),
    };
  }
}
