import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderTable } from '../terminal/text-table.js';

type Style = Pick<Terminal, 'columns' | 'paint'>;

interface Source {
  readonly file: string;
  readonly line: number | null;
}

interface ShownFact {
  readonly state: string;
  readonly value?: string | undefined;
  readonly source?: Source | undefined;
  readonly choices?: readonly { readonly value: string }[] | undefined;
  readonly reason?: string | undefined;
}

interface ShownCandidate {
  readonly type: string;
  readonly framework: string | null;
  readonly confidence: number;
  /** By their names. */
  readonly facts: Iterable<readonly [string, ShownFact]>;
  readonly evidence: readonly (Source & { readonly weight: number; readonly message: string })[];
}

interface ShownPart {
  readonly folder: string;
  readonly type: string;
  readonly framework: string | null;
  readonly purpose: string;
}

/** A detection as it was made here, or as a server has told it. */
export interface ShownDetection {
  readonly outcome: string;
  readonly reason: string;
  readonly project: ShownCandidate | null;
  readonly candidates: readonly ShownCandidate[];
  readonly parts: readonly ShownPart[];
  readonly problems: readonly (Source & { readonly message: string })[];
}

/** A detection for people: what it is, what is known of it and from where, and why. */
export function detectionLines(detection: ShownDetection, style: Style): string[] {
  const { outcome, reason, project, candidates, parts, problems } = detection;
  const colour = outcome === 'detected' ? 'green' : 'yellow';
  const lines = [`${style.paint(colour, outcome)}: ${cleanText(reason)}`];
  if (project !== null) lines.push('', ...projectLines(project, style));
  if (parts.length > 0) lines.push('', partsTable(parts, style));
  const others = candidates.filter(({ type }) => type !== project?.type);
  if (others.length > 0) lines.push('', ...othersLines(others, project, style));
  for (const { file, line, message } of problems) {
    lines.push('', cleanText(`${place({ file, line })}: cannot be parsed: ${message}`));
  }
  return lines;
}

function projectLines(project: ShownCandidate, style: Style): string[] {
  const facts = renderTable(
    [...project.facts],
    [
      { title: 'WHAT', text: ([name]) => name.replaceAll('_', ' ') },
      { title: 'VALUE', text: ([, fact]) => shownFact(fact), narrow: 'note' },
      { title: 'FROM', text: ([, fact]) => origin(fact), narrow: 'note' },
    ],
    style,
  );
  const evidence = renderTable(
    project.evidence,
    [
      { title: 'WEIGHT', text: ({ weight }) => weight.toFixed(2), align: 'right' },
      { title: 'EVIDENCE', text: ({ message }) => message, narrow: 'note' },
      { title: 'FROM', text: (one) => place(one), narrow: 'note' },
    ],
    style,
  );
  return [facts, '', `confidence ${project.confidence.toFixed(2)}`, evidence];
}

function shownFact({ value, choices }: ShownFact): string {
  if (value !== undefined) return value;
  if (choices === undefined) return '-';
  return `ambiguous: ${choices.map((choice) => choice.value).join(' or ')}`;
}

function origin({ state, source, reason = '' }: ShownFact): string {
  if (source !== undefined) return place(source);
  return state === 'assumed' ? `assumed: ${reason}` : reason;
}

function place({ file, line }: Source): string {
  return line === null ? file : `${file}:${line}`;
}

function partsTable(parts: readonly ShownPart[], style: Style): string {
  return renderTable(
    parts,
    [
      { title: 'FOLDER', text: ({ folder }) => folder },
      { title: 'TYPE', text: ({ type, framework }) => named(type, framework) },
      { title: 'PURPOSE', text: ({ purpose }) => purpose },
    ],
    style,
  );
}

function othersLines(
  others: readonly ShownCandidate[],
  project: ShownCandidate | null,
  style: Style,
): string[] {
  const title = project === null ? 'Candidates' : 'Other candidates';
  return [
    style.paint('dim', title),
    ...others.map(({ type, framework, confidence, evidence }) => {
      const why = evidence.map(({ message }) => message).join('; ');
      return cleanText(`  ${confidence.toFixed(2)} ${named(type, framework)}: ${why}`);
    }),
  ];
}

function named(type: string, framework: string | null): string {
  return framework === null ? type : `${type} (${framework})`;
}
