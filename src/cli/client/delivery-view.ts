import type {
  DecisionPart,
  Delivery,
  DeliveryDecision,
  DeliverySummary,
} from '../api/wire-readers.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Moments } from '../terminal/moments.js';
import type { Terminal } from '../terminal/terminal.js';
import { reasonProblemLines } from './server-problems.js';

type Paint = Pick<Terminal, 'paint'>;

const FACT_WIDTH = 9;
const SHORT_COMMIT = 12;

/**
 * What was made of a delivery: for each pipeline what starts and why, with its rules below it, and
 * what to type next.
 */
export function renderDelivery(delivery: Delivery, terminal: Paint, moments: Moments): string[] {
  const fact = (name: string, text: string): string =>
    `${terminal.paint('dim', name.padEnd(FACT_WIDTH))} ${text}`;
  const { id, duplicate_of, replay_of, problem, decisions } = delivery;
  return [
    `${terminal.paint('bold', delivery.event)}: ${outcomeOf(delivery)}`,
    fact('Id', id),
    ...(subjectOf(delivery) === '' ? [] : [fact('Of', subjectOf(delivery))]),
    fact('From', sourceOf(delivery)),
    fact('Came', moments.full(delivery.received_at)),
    fact('Decided', moments.full(delivery.decided_at)),
    ...(duplicate_of === null ? [] : [fact('Same as', duplicate_of)]),
    ...(replay_of === null ? [] : [fact('Replay of', replay_of)]),
    ...(problem === null ? [] : [fact('Problem', problem)]),
    ...decisions.flatMap((decision) => ['', ...renderDecision(decision, delivery, terminal)]),
  ];
}

/** `main 4f0c3d2a1b2c`, `v1.2 …`, `#12 …`; empty: not known yet, or of no commit. */
export function subjectOf({ branch, tag, number, commit }: DeliverySummary): string {
  const name = branch ?? tag ?? (number === null ? undefined : `#${number}`);
  const words = [name, commit?.slice(0, SHORT_COMMIT)];
  return cleanText(words.filter((word) => word !== undefined).join(' '));
}

function sourceOf(delivery: Delivery): string {
  const { kind, forge, forge_delivery_id: id } = delivery;
  if (kind === 'pipeline') return `the webhook of pipeline ${pipelineOf(delivery)}`;
  const repository = `repository ${repositoryOf(delivery)}`;
  if (kind === 'missed_push') return `the heads at ${forge ?? ''}, ${repository}: no webhook came`;
  return `${forge ?? ''}, ${repository}${id === null ? '' : `, its delivery ${id}`}`;
}

/** Its name; its id where an older server has stored none. */
export function repositoryOf({ repository_name, repository_id }: DeliverySummary): string {
  return repository_name ?? repository_id ?? '';
}

/** The name is known from the decision. */
function pipelineOf({ pipeline_id: id, decisions }: Delivery): string {
  return decisions.find(({ pipeline_id }) => pipeline_id === id)?.pipeline_name ?? id ?? '';
}

/** The first answer to "why did nothing start?". */
function outcomeOf({ status, reason, decisions, dry_run: isDryRun }: Delivery): string {
  switch (status) {
    case 'received':
      return 'it waits to be decided';
    case 'duplicate':
      return 'the same came before: it starts nothing';
    case 'ignored':
      return `it starts nothing: ${reason?.message ?? 'nothing asks for it'}`;
    default:
      break;
  }
  if (decisions.length === 0) {
    return 'it starts nothing: its commit has no .millrace.yml and no .millrace/*.yml, and no stored pipeline clones this repository and has a rule for it';
  }
  const started = decisions.filter(({ starts }) => starts).length;
  const verb = isDryRun ? 'would start' : 'starts';
  return `it ${verb} ${started} of ${decisions.length} pipelines`;
}

function renderDecision(
  decision: DeliveryDecision,
  { id, dry_run: isDryRun }: Delivery,
  terminal: Paint,
): string[] {
  const { pipeline_name: name, starts, reason, rules } = decision;
  const verdict = starts
    ? terminal.paint('green', isDryRun ? 'would start' : 'starts')
    : terminal.paint('yellow', 'starts nothing');
  const last = rules.length - 1;
  return [
    `${terminal.paint('bold', name)} (${placeOf(decision)}): ${verdict}`,
    `  why: ${reason.message}`,
    ...reasonProblemLines(reason, terminal).map((line) => `    ${line}`),
    ...rules.flatMap(({ event, matches, reason: why, parts }, index) => [
      `  ${index === last ? '└─' : '├─'} rule ${event}: ${answerOf(matches)}, ${why.message}`,
      ...parts.flatMap(partLine).map((line) => `  ${index === last ? ' ' : '│'}    ${line}`),
    ]),
    ...nextStep(decision, id).map((line) => `  ${line}`),
    ...decision.same_commit.map(
      ({ event, execution_id: other }) =>
        `  the ${event} of this commit runs too: ./millrace status ${other}`,
    ),
  ];
}

/** What a part asks and what the event says; nothing of one that the line above says. */
function partLine({ part, expected, actual, more, result }: DecisionPart): string[] {
  if (part === 'event') return [];
  const rest = more === undefined ? '' : ` and ${more} more`;
  const said = actual === null ? 'not said' : `${actual.join(', ') || 'none'}${rest}`;
  return [`${part} ${result}: ${said}; asked for ${expected.join(', ') || 'none'}`];
}

function placeOf({ path, version }: DeliveryDecision): string {
  const from = path ?? 'stored pipeline';
  return version === null ? from : `${from}, version ${version}`;
}

function answerOf(matches: boolean | null): string {
  if (matches === null) return 'unsure';
  return matches ? 'yes' : 'no';
}

/** What whoever reads it may want to type next. */
function nextStep({ execution_id, reason, pipeline_name }: DeliveryDecision, id: string): string[] {
  if (execution_id !== null) return [`./millrace status ${execution_id}`];
  const commit = reason.data?.['commit'];
  if (reason.code !== 'fork_needs_approval' || typeof commit !== 'string') return [];
  // Whoever opened the pull request chose these texts.
  if (!/^[0-9a-f]{40,64}$/.test(commit) || !/^[\w.-]{1,100}$/.test(pipeline_name)) return [];
  return [`./millrace deliveries approve ${id} --pipeline ${pipeline_name} --commit ${commit}`];
}
