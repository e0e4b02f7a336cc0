import { hasName, mergedNames, nameRecord } from '../../common/values/name-record.js';
import type { StepAction } from '../plan/plan.js';
import type { FieldReaders, Reader } from '../yaml/reader.js';
import {
  meaningsOf,
  type OwnForm,
  type RustciForm,
  type StepDefaults,
  type StepDraft,
  type StepKind,
} from './step-kind.js';
import { STEP_KINDS } from './step-kinds.js';

const KINDS: ReadonlyMap<string, StepKind> = new Map(
  STEP_KINDS.map((kind): [string, StepKind] => [kind.kind, kind]),
);
if (KINDS.size < STEP_KINDS.length) throw new Error('two kinds of steps have one name');

/** A plan of a later version, or a damaged one, names a kind that is not here. */
export class UnknownStepKindError extends Error {
  constructor(readonly kind: string) {
    super(`this version of Millrace has no steps of the kind "${kind}"`);
    this.name = 'UnknownStepKindError';
  }
}

/** In the order of the documentation. */
export const stepKinds: readonly StepKind[] = [...KINDS.values()];

/** @throws UnknownStepKindError */
export function kindOf(named: StepAction | StepDraft): StepKind {
  const kind = KINDS.get(named.kind);
  if (kind === undefined) throw new UnknownStepKindError(named.kind);
  return kind;
}

/** The draft of a step as the defaults of its stage and pipeline make it. */
export function draftWith(draft: StepDraft, defaults: StepDefaults): StepDraft {
  return stepKinds.reduce((made, kind) => kind.takesOver?.(made, defaults) ?? made, draft);
}

/** The form in which a step with these keys is written, and another that it is begun by. */
export function formsOf(keys: readonly string[]): readonly OwnForm<StepDraft>[] {
  const begun = ownForms.filter(({ begunBy }) => begunBy.some((key) => keys.includes(key)));
  const claiming = ownForms.filter(({ claims }) => claims?.some((key) => keys.includes(key)));
  // Of a claimed step, whose keys the claiming form has as well, the other form is no second one.
  const others = begun.filter(
    (form) =>
      !claiming.includes(form) &&
      !claiming.some((one) => form.begunBy.every((key) => hasName(one.keys, key))),
  );
  return [...claiming, ...others];
}

export const ownForms: readonly OwnForm<StepDraft>[] = stepKinds.flatMap(
  ({ ownForm }) => ownForm ?? [],
);

export const rustciForms: readonly RustciForm<StepDraft>[] = stepKinds.flatMap(
  ({ rustciForm }) => rustciForm ?? [],
);

const beginnings = ownForms.flatMap(({ begunBy }) => begunBy);
if (new Set(beginnings).size < beginnings.length)
  throw new Error('a key begins two kinds of steps');

/** The keys of all own forms, with their readers. */
export function ownKeyReaders(): FieldReaders {
  const readers = new Map<string, Reader<unknown>>();
  for (const [name, { reader }] of ownForms.flatMap(({ keys }) => Object.entries(keys))) {
    if ((readers.get(name) ?? reader) !== reader) {
      throw new Error(`two kinds of steps have the key "${name}" and read it differently`);
    }
    readers.set(name, reader);
  }
  return nameRecord(readers);
}

/** What the keys of all own forms mean. */
export function ownKeyMeanings(): Readonly<Record<string, string>> {
  return mergedNames(...ownForms.map(({ keys }) => meaningsOf(keys)));
}
