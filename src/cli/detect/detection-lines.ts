import type { Candidate } from '../../detection/candidate.js';
import type { Detection } from '../../detection/detect-project.js';
import type { Fact, Source } from '../../detection/evidence.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderTable } from '../terminal/text-table.js';

type Style = Pick<Terminal, 'columns' | 'paint'>;

/** A detection for people: what it is, what is known of it and from where, and why. */
export function detectionLines(detection: Detection, style: Style): string[] {
  const { outcome, reason, project, candidates, parts, problems } = detection;
  const colour = outcome === 'detected' ? 'green' : 'yellow';
  const lines = [`${style.paint(colour, outcome)}: ${cleanText(reason)}`];
  if (project !== null) lines.push('', ...projectLines(project, style));
  if (parts.length > 0) lines.push('', partsTable(parts, style));
  const others = candidates.filter((one) => one !== project);
  if (others.length > 0) lines.push('', ...othersLines(others, project, style));
  for (const { file, line, message } of problems) {
    lines.push('', cleanText(`${file}:${line}: cannot be parsed: ${message}`));
  }
  return lines;
}

function projectLines(project: Candidate, style: Style): string[] {
  const facts = renderTable(
    [...project.facts],
    [
      { title: 'WHAT', text: ([name]) => name.replaceAll('_', ' ') },
      { title: 'VALUE', text: ([, fact]) => shownFact(fact), shrinks: true },
      { title: 'FROM', text: ([, fact]) => origin(fact), shrinks: true },
    ],
    style,
  );
  const evidence = renderTable(
    project.evidence,
    [
      { title: 'WEIGHT', text: ({ weight }) => weight.toFixed(2), align: 'right' },
      { title: 'EVIDENCE', text: ({ message }) => message, shrinks: true },
      { title: 'FROM', text: (one) => place(one), shrinks: true },
    ],
    style,
  );
  return [facts, '', `confidence ${project.confidence.toFixed(2)}`, evidence];
}

function shownFact(fact: Fact): string {
  switch (fact.state) {
    case 'known':
    case 'assumed':
      return fact.value;
    case 'ambiguous':
      return `ambiguous: ${fact.choices.map(({ value }) => value).join(' or ')}`;
    case 'unknown':
      return '-';
  }
}

function origin(fact: Fact): string {
  if (fact.state === 'known') return place(fact.source);
  return fact.state === 'assumed' ? `assumed: ${fact.reason}` : fact.reason;
}

function place({ file, line }: Source): string {
  return line === null ? file : `${file}:${line}`;
}

function partsTable(parts: Detection['parts'], style: Style): string {
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
  others: readonly Candidate[],
  project: Candidate | null,
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
