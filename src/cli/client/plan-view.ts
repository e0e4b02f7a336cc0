import { valueOf } from '../../common/values/name-record.js';
import type {
  PlannedPipeline,
  PlannedStage,
  PlannedStep,
  PlannedWhen,
  ValidPlan,
} from '../api/wire-readers.js';
import { cleanText } from '../terminal/clean-text.js';
import { formatDuration } from '../terminal/status-style.js';
import type { Style, Terminal } from '../terminal/terminal.js';

const VERDICTS: Readonly<Record<string, readonly [words: string, style: Style]>> = {
  runs: ['would run', 'green'],
  skipped: ['would be skipped', 'dim'],
  depends: ['depends', 'yellow'],
  fails: ['would fail', 'red'],
};
/** Of the longest verdict. */
const VERDICT_WIDTH = 16;
const FACT_WIDTH = 9;

/**
 * What a trigger would do: the decision, then stages and steps as a tree with verdicts, reasons and
 * the values of `when`.
 */
export function renderPlan(answer: ValidPlan, terminal: Terminal): string[] {
  const { plan } = answer;
  return [
    ...renderDecision(answer, terminal),
    ...factsOf(plan).map(([name, text]) => factLine(name, text, terminal)),
    '',
    ...renderTree(plan, terminal),
  ];
}

/** Whether an execution would start, why, and what each rule says. */
export function renderDecision(
  { plan, decision }: Pick<ValidPlan, 'plan' | 'decision'>,
  terminal: Terminal,
): string[] {
  const starts = decision.starts
    ? terminal.paint('green', 'an execution would start')
    : terminal.paint('yellow', 'no execution would start');
  return [
    `${terminal.paint('bold', cleanText(plan.name))}: ${starts}`,
    factLine('Why', `${decision.event}: ${decision.reason.message}`, terminal),
    ...decision.rules.map(({ event, reason }, index) =>
      factLine(index === 0 ? 'Rules' : '', `${event}: ${reason.message}`, terminal),
    ),
  ];
}

function factLine(name: string, text: string, terminal: Terminal): string {
  return `${terminal.paint('dim', name.padEnd(FACT_WIDTH))} ${cleanText(text)}`;
}

function factsOf(plan: PlannedPipeline): (readonly [name: string, text: string])[] {
  const inputs = Object.entries(plan.inputs).map(
    ([name, value]) => `${name} = ${JSON.stringify(value)}`,
  );
  return [
    ...(plan.repository ? [['Clones', cloneText(plan.repository)] as const] : []),
    ...(inputs.length > 0 ? [['Inputs', inputs.join(', ')] as const] : []),
    ...(plan.runs_on.length > 0 ? [['Labels', plan.runs_on.join(', ')] as const] : []),
    ...slotsFact(plan),
    ['Timeout', formatDuration(plan.timeout * 1_000)],
    ...(plan.retry_count > 0 ? [['Retries', String(plan.retry_count)] as const] : []),
    ...(plan.resume ? [['Resume', 'a further attempt keeps stages that passed'] as const] : []),
  ];
}

/** Where a stage has more steps than a worker runs at once. */
function slotsFact(plan: PlannedPipeline): (readonly [name: string, text: string])[] {
  const limit = plan.worker_max_parallel_steps;
  if (limit === undefined || plan.stages.every(({ steps }) => steps.length <= limit)) return [];
  return [['Slots', `${limit} steps at once on a worker (WORKER_MAX_PARALLEL_STEPS)`]];
}

function cloneText({ url, ...refs }: NonNullable<PlannedPipeline['repository']>): string {
  const { branch, tag, commit } = refs;
  const named = Object.entries({ branch, tag, commit }).filter(([, name]) => name !== null);
  return [url, ...named.map(([kind, name]) => `${kind} ${name}`)].join(', ');
}

interface TreeRow {
  readonly name: string;
  /** Stands before the lines below it. */
  readonly indent: string;
  readonly node: Pick<PlannedStep, 'verdict' | 'reason' | 'when' | 'needs'>;
}

const CHECKOUT: TreeRow = {
  name: 'checkout',
  indent: '',
  node: { verdict: 'runs', reason: { code: 'started', message: '' }, when: null, needs: [] },
};

function renderTree(plan: PlannedPipeline, terminal: Terminal): string[] {
  const rows: TreeRow[] = [
    ...(plan.repository ? [CHECKOUT] : []),
    ...plan.stages.flatMap(stageRows),
    ...hookRows('on_failure', plan.on_failure),
    ...hookRows('always', plan.always),
  ];
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows.flatMap(({ name, indent, node }) => {
    const note = noteOf(node);
    const end = note === '' ? '' : `  ${terminal.paint('dim', note)}`;
    const verdict = paintVerdict(node.verdict, note === '' ? 0 : VERDICT_WIDTH, terminal);
    return [
      `${name.padEnd(width)}  ${verdict}${end}`,
      ...whenLines(node.when).map((line) => `${indent}${terminal.paint('dim', `    ${line}`)}`),
    ];
  });
}

function stageRows(stage: PlannedStage): TreeRow[] {
  const last = stage.steps.length - 1;
  return [
    { name: cleanText(stage.name), indent: last < 0 ? '' : '│', node: stage },
    ...stage.steps.map((step, index) => ({
      name: `${index === last ? '└─' : '├─'} ${cleanText(step.name)}`,
      indent: index === last ? ' ' : '│',
      node: step,
    })),
  ];
}

function hookRows(list: string, steps: readonly PlannedStep[]): TreeRow[] {
  return steps.map((step) => ({
    name: `${list}/${cleanText(step.name)}`,
    indent: '',
    node: step,
  }));
}

/** That something starts when nothing is before it, the verdict says already. */
function noteOf({ verdict, reason, needs }: TreeRow['node']): string {
  const plain = verdict === 'runs' && reason.code === 'started' && needs.length === 0;
  return plain && reason.message === 'starts' ? '' : cleanText(reason.message);
}

function paintVerdict(verdict: string, width: number, terminal: Terminal): string {
  const [words, style] = valueOf(VERDICTS, verdict) ?? [cleanText(verdict)];
  const padded = words.padEnd(width);
  return style === undefined ? padded : terminal.paint(style, padded);
}

function whenLines(when: PlannedWhen | null): string[] {
  if (!when) return [];
  const { expression, result, parts } = when;
  if (result === null && parts.length === 0) return [cleanText(`when ${expression}`)];
  const is = result === null ? 'is not known yet' : `is ${result}`;
  const values = parts.map(({ text, value, known }) =>
    known ? `${text} = ${JSON.stringify(value) ?? 'null'}` : `${text} is not known yet`,
  );
  const because = values.length === 0 ? '' : `; ${values.join(', ')}`;
  return [cleanText(`when ${expression} ${is}${because}`)];
}
