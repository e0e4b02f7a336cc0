import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { type NameRecord, nameRecord } from '../../common/values/name-record.js';
import { resolveInputs } from '../../engine/inputs/resolve-inputs.js';
import { allSteps } from '../../engine/plan/all-steps.js';
import type { ApprovalFacts } from '../../engine/plan/approval-facts.js';
import type { InputDefinition } from '../../engine/plan/input-definition.js';
import type { Plan } from '../../engine/plan/plan.js';
import type { RunState } from '../../engine/plan/run-state.js';
import { APPROVAL_KIND } from '../../engine/steps/approval/approval-action.js';
import { approvalReasons } from '../../executions/approvals/approval-reasons.js';
import type { StepAnswer, WaitingStep } from '../../executions/record/suspension.js';
import { CommandError } from '../command/command.error.js';
import { cleanText } from '../terminal/clean-text.js';

/** Who answers here: whoever runs the pipeline, which no server would let them. */
const BY = 'whoever runs it here';

/** Where somebody can be asked. */
export interface Asking {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
}

interface Question extends WaitingStep {
  readonly asked: ApprovalFacts;
}

/** What is said to steps that wait for approvals in a run without a server. */
export class LocalApprovals {
  /** @param approves without asking */
  constructor(
    private readonly approves: boolean,
    private readonly asking: Asking = { input: process.stdin, output: process.stderr },
  ) {}

  /** @throws CommandError where steps would wait, and nobody can be asked */
  mustBeAnswerable(plan: Plan): void {
    const names = allSteps(plan).flatMap(({ name, action }) =>
      action.kind === APPROVAL_KIND ? [name] : [],
    );
    if (names.length === 0 || this.approves || this.asking.input.isTTY === true) return;
    const message = `These steps wait for an approval, and there is no terminal to ask at: ${names.join(', ')}.`;
    throw new CommandError(cleanText(message), 2, [
      'Run it at a terminal, or with --approve, which approves all of them.',
    ]);
  }

  /** Answers to all that wait; none once the signal has aborted. */
  async answers({ stages }: Pick<RunState, 'stages'>, signal: AbortSignal): Promise<StepAnswer[]> {
    const answers: StepAnswer[] = [];
    for (const { name: stage, steps } of stages) {
      for (const { name: step, attempts } of steps) {
        const { status, approval: asked, number: attempt = 1 } = attempts.at(-1) ?? {};
        if (status !== 'waiting' || asked === undefined) continue;
        const answer = await this.answer({ stage, step, attempt, asked }, signal);
        if (answer === undefined) return [];
        answers.push(answer);
      }
    }
    return answers;
  }

  private async answer(question: Question, signal: AbortSignal): Promise<StepAnswer | undefined> {
    const { asked, stage, step, attempt } = question;
    const place = { stage, step, attempt };
    if (this.approves) return approved(place, asked, nameRecord([]));
    const lines = createInterface({ ...this.asking, terminal: false });
    const ask = (text: string): Promise<string> =>
      lines.question(`${cleanText(text)} `, { signal });
    try {
      const yes = await ask(`${stage}/${step}: ${asked.message} [y/N]`);
      if (!/^y(es)?$/i.test(yes.trim())) {
        return {
          ...place,
          kind: 'rejected',
          reason: approvalReasons.rejected(BY, null),
          inputs: [],
        };
      }
      const given: [string, string][] = [];
      for (const input of asked.inputs ?? []) {
        const value = await ask(`  ${labelOf(input)}:`);
        if (value !== '') given.push([input.name, value]);
      }
      return approved(place, asked, nameRecord(given));
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      lines.close();
    }
  }
}

/** What does not fit fails the step, as a no would: it is said why. */
function approved(
  place: WaitingStep,
  { inputs: declared = [] }: ApprovalFacts,
  given: NameRecord<string>,
): StepAnswer {
  const { inputs, problems } = resolveInputs({ inputs: declared }, given, 'approval');
  const [problem] = problems;
  if (problem !== undefined) {
    const reason = approvalReasons.rejected(BY, problem.message);
    return { ...place, kind: 'rejected', reason, inputs: [] };
  }
  const named = Object.entries(inputs).map(([name, value]) => ({ name, value }));
  return {
    ...place,
    kind: 'approved',
    reason: approvalReasons.approved([BY], null),
    inputs: named,
  };
}

function labelOf({ name, type, options, default: fallback }: InputDefinition): string {
  const what = type === 'choice' ? options.join(' | ') : type;
  return `${name} (${what}${fallback === undefined ? '' : `, default ${String(fallback)}`})`;
}
