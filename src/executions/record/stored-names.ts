import { namedValues, recordOfNamed, type NameRecord } from '../../common/values/name-record.js';
import type { ExecutionRecord } from './execution.schema.js';
import type { StoredRun, StoredStep } from './stored-state.js';

type Parts = Partial<StoredRun & Pick<ExecutionRecord, 'inputs' | 'environment'>>;
type Records = (record: NameRecord<unknown>) => unknown;

/**
 * Of an execution, or a part of one, what is stored: names that users chose are values there, in
 * lists of `{name, value}`. As keys Mongoose would leave out `constructor` and `prototype`, and the
 * driver would take `_bsontype` for its own.
 */
export function toStore<T extends Parts>(part: T): T {
  return withRecords(part, namedValues);
}

/** The execution of a stored document; one of an older release is taken as it is. */
export function fromStore<T extends Parts>(document: T): T {
  return withRecords(document, recordOfNamed);
}

/** The type stays, because only these two know that the stored form differs. */
function withRecords<T extends Parts>(part: T, change: Records): T {
  const step = (state: StoredStep): StoredStep => ({
    ...state,
    outputs: change(state.outputs) as StoredStep['outputs'],
  });
  const { inputs, environment, checkout, stages, on_failure, always } = part;
  const changed = {
    ...(inputs && { inputs: change(inputs) }),
    ...(environment && { environment: change(environment) }),
    ...(checkout && { checkout: step(checkout) }),
    ...(stages && { stages: stages.map((each) => ({ ...each, steps: each.steps.map(step) })) }),
    ...(on_failure && { on_failure: on_failure.map(step) }),
    ...(always && { always: always.map(step) }),
  };
  return { ...part, ...changed };
}
