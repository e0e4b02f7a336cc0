import type { ApiClient } from '../api/api-client.js';
import { execution, type Execution } from '../api/wire-readers.js';
import { unknownName } from '../command/unknown-name.js';

/** Where a line of a log is from. */
interface LogPlace {
  /** Empty: the clone, which is in no stage. */
  readonly stage: string;
  readonly step: string;
}

export interface AskedPlaces {
  readonly stage?: string;
  /** `step`, or `stage/step`. */
  readonly step?: string;
}

/**
 * What the log is asked for by the names on the command line. @throws CommandError that names the
 * stages or steps there are, where none has the name
 */
export async function askedPlaces(
  api: ApiClient,
  executionId: string,
  asked: AskedPlaces,
): Promise<AskedPlaces> {
  if (asked.stage === undefined && asked.step === undefined) return asked;
  const all = placesOf(await api.get(`/api/ci/executions/${executionId}`, execution));
  return chosenPlaces(all, asked);
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
  if (whole !== undefined) return { stage: whole.stage, step: whole.step };
  const names = inStage.map((one) => one.step);
  const shown = unique(inStage.map(wholeName));
  throw unknownName('step', step, { all: unique([...names, ...shown]), shown });
}

function placesOf({ checkout, stages, on_failure, always }: Execution): LogPlace[] {
  const of = (stage: string, steps: Execution['always']): LogPlace[] =>
    steps.map(({ name }) => ({ stage, step: name }));
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
