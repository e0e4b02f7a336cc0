import type { Deployment, ExplainedStep, Explanation, When } from '../api/wire-readers.js';
import { cleanText } from '../terminal/clean-text.js';
import { paintStatus } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';
import { toldOnce } from '../terminal/told-once.js';
import { reasonProblemLines } from './server-problems.js';

/** Deployments of an execution as they are now, by their ids. */
export type ExplainedDeployments = ReadonlyMap<string, Pick<Deployment, 'status' | 'reason'>>;

type Explained = Pick<ExplainedStep, 'name' | 'status' | 'reason' | 'when'>;

/** Why each stage and step ran, waits or was skipped, as sentences under its name. */
export function renderExplanation(
  explanation: Explanation,
  terminal: Terminal,
  deployments: ExplainedDeployments = new Map(),
): string[] {
  const told = explanation.status === 'success' ? null : explanation.reason;
  const above = told?.message ?? '';
  const stepLines = (indent: string, step: ExplainedStep): string[] => [
    ...linesOfStep(indent, step, above, terminal),
    ...deploymentLines(indent, step, terminal, deployments),
  ];
  const hookLines = (name: string, steps: readonly ExplainedStep[]): string[] =>
    steps.length === 0 ? [] : [name, ...steps.flatMap((step) => stepLines('  ', step))];
  const status = paintStatus(terminal, explanation.status);
  const why = told ? `: ${cleanText(told.message)}` : '';
  return [
    `Execution ${explanation.id} is ${status}${why}`,
    ...reasonProblemLines(told ?? {}, terminal),
    `Triggered: ${cleanText(explanation.trigger)}`,
    ...queueLines(explanation.queue),
    ...explanation.placements.map(({ attempt, worker_name, reason }) => {
      const end = reason ? `, which ended: ${reason.message}` : '';
      return cleanText(`Execution attempt ${attempt} on worker ${worker_name}${end}`);
    }),
    ...nothingCloned(explanation),
    '',
    ...(explanation.checkout ? stepLines('', explanation.checkout) : []),
    ...explanation.stages.flatMap((stage) => [
      ...partLines('', stage, above, terminal),
      ...stage.steps.flatMap((step) => stepLines('  ', step)),
    ]),
    ...hookLines('on_failure', explanation.on_failure),
    ...hookLines('always', explanation.always),
  ];
}

/** Who wonders why a step finds no files reads it here. */
function nothingCloned({ checkout, placements, status }: Explanation): string[] {
  if (checkout || placements.length === 0 || status !== 'failed') return [];
  return ['Cloned: nothing, as neither the pipeline nor the trigger names a repository'];
}

/** Of a deployment that could not be read only its name is told. */
function deploymentLines(
  indent: string,
  { deployments = [] }: ExplainedStep,
  terminal: Terminal,
  known: ExplainedDeployments,
): string[] {
  return deployments.map(({ id, environment, service }) => {
    const { status, reason } = known.get(id) ?? {};
    const now = status === undefined ? '' : ` is ${paintStatus(terminal, status)}`;
    const why = reason ? `: ${cleanText(reason.message)}` : '';
    const of = cleanText(`${environment}/${service}`);
    return `${indent}  deployment ${cleanText(id)} of ${of}${now}${why}`;
  });
}

function queueLines(queue: Explanation['queue']): string[] {
  if (!queue) return [];
  const labels = queue.labels.length === 0 ? 'any worker' : `labels ${queue.labels.join(', ')}`;
  const before = queue.ahead === 0 ? 'it is next' : `${queue.ahead} before it`;
  return [
    cleanText(
      `Queue (${labels}): ${before}; ${count(queue.workers, 'worker')} with ${count(queue.free_slots, 'free slot')}`,
    ),
    ...queue.refusals.map(({ message }) => cleanText(`  takes nothing: ${message}`)),
  ];
}

/** `above` is the reason of the whole, which is told in front of these. */
function linesOfStep(
  indent: string,
  step: ExplainedStep,
  above: string,
  terminal: Terminal,
): string[] {
  const tries = step.attempts.length > 1 ? step.attempts : [];
  return [
    ...partLines(indent, step, above, terminal),
    ...tries
      .map((reason, index) =>
        cleanText(`${indent}  attempt ${index + 1}: ${reason?.message ?? 'no reason was stored'}`),
      )
      .map((line) => terminal.paint('dim', line)),
    ...(step.caches ?? []).map(({ name, restored, saved }) => {
      const then = saved ? `; ${saved.message}` : '';
      const line = cleanText(`${indent}  cache ${name}: ${restored.message}${then}`);
      return terminal.paint('dim', line);
    }),
  ];
}

function partLines(indent: string, part: Explained, above: string, terminal: Terminal): string[] {
  const note = toldOnce(part.reason?.message ?? '', above, 'as above');
  const reason = part.reason ? `: ${cleanText(note)}` : '';
  const head = `${indent}${cleanText(part.name)} ${paintStatus(terminal, part.status)}${reason}`;
  return [head, ...whenLines(indent, part.when).map((line) => terminal.paint('dim', line))];
}

function whenLines(indent: string, when: When | null): string[] {
  if (!when) return [];
  const parts = when.parts.map(({ text, value }) => `${text} = ${JSON.stringify(value) ?? 'null'}`);
  const because = parts.length === 0 ? '' : `, as ${parts.join(', ')}`;
  return [`${indent}  ${cleanText(`when ${when.expression} was ${when.result}${because}`)}`];
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
