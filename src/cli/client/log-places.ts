import type { ApiClient } from '../api/api-client.js';
import { execution, type Execution } from '../api/wire-readers.js';
import { unknownName } from '../command/unknown-name.js';

/** Where a line of a log is from. */
interface LogPlace {
  /** Empty: the clone, which is in no stage. */
  readonly stage: string;
  readonly step: string;
  /** Numbers of those that there are up to now. */
  readonly attempts: readonly number[];
}

export interface AskedPlaces {
  readonly stage?: string;
  /** `step`, or `stage/step`. */
  readonly step?: string;
  readonly attempt?: number;
}

/**
 * What the log is asked for by the names and numbers on the command line. @throws CommandError that
 * names the stages, steps or attempts there are, where none has the name
 */
export async function askedPlaces(
  api: ApiClient,
  executionId: string,
  asked: AskedPlaces & { readonly follow?: boolean },
): Promise<AskedPlaces> {
  const { stage, step, attempt, follow = false } = asked;
  if (stage === undefined && step === undefined && attempt === undefined) return {};
  const found = await api.get(`/api/ci/executions/${executionId}`, execution);
  const all = placesOf(found);
  const chosen = chosenPlaces(all, asked);
  // Whoever follows one that is not over waits for attempts to come.
  if (!follow || found.finished_at !== null) checkAttempt(all, chosen);
  return chosen;
}

/** @throws CommandError that names the attempts there are, where none has the number */
export function checkAttempt(
  all: readonly LogPlace[],
  { stage, step, attempt }: AskedPlaces,
): void {
  if (attempt === undefined) return;
  const numbers = all
    .filter((one) => stage === undefined || one.stage === stage)
    .filter((one) => step === undefined || one.step === step)
    .flatMap(({ attempts }) => attempts);
  if (numbers.includes(attempt)) return;
  const shown = unique(numbers.sort((a, b) => a - b).map(String));
  throw unknownName('attempt', String(attempt), { all: [], shown });
}

/** @throws CommandError as `askedPlaces` */
export function chosenPlaces(all: readonly LogPlace[], asked: AskedPlaces): AskedPlaces {
  const { stage, step } = asked;
  const inStage = stage === undefined ? all : all.filter((one) => one.stage === stage);
  if (inStage.length === 0 && stage !== undefined) {
    throw unknownName('stage', stage, { all: unique(all.map((one) => one.stage)) });
  }
  if (step === undefined || inStage.some((one) => one.step === step)) return asked;
  const whole = inStage.find((one) => wholeName(one) === step);
  if (whole !== undefined) return { ...asked, stage: whole.stage, step: whole.step };
  const names = inStage.map((one) => one.step);
  const shown = unique(inStage.map(wholeName));
  throw unknownName('step', step, { all: unique([...names, ...shown]), shown });
}

function placesOf({ checkout, stages, on_failure, always }: Execution): LogPlace[] {
  const of = (stage: string, steps: Execution['always']): LogPlace[] =>
    steps.map(({ name, attempts }) => ({
      stage,
      step: name,
      attempts: attempts.map(({ number }, index) => number ?? index + 1),
    }));
  return [
    ...(checkout ? of('', [checkout]) : []),
    ...stages.flatMap(({ name, steps }) => of(name, steps)),
    ...of('on_failure', on_failure),
    ...of('always', always),
  ];
}

function wholeName({ stage, step }: LogPlace): string {
  return stage === '' ? step : `${stage}/${step}`;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => name !== '');
}
