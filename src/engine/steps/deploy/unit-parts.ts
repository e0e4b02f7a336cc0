import { findCycle } from '../../plan/dependency-graph.js';
import { nearestName } from '../../expression/nearest-name.js';
import { fields, type NameUse, type Place, type Reader } from '../../yaml/reader.js';
import { listOf } from '../../yaml/value-readers.js';
import { DEFAULT_KEEP, DEPLOY_KIND, MOST_PARTS, type PartDeploy } from './deploy-action.js';
import type { DeployDraft, PartDraft } from './deploy-draft.js';
import { NO_PARTS, partType } from './deployment-type.js';
import {
  type CommonDraft,
  isWritten,
  type Problems,
  refusesKeys,
  releaseDraft,
  type Written,
} from './release-drafts.js';
import { keyHabits, releaseKeys, serviceName } from './release-keys.js';

/** The name of a part, with its place. */
const need: Reader<NameUse> = {
  expects: 'the service of another part',
  schema: serviceName.schema,
  read: (node, path, context) => {
    const name = serviceName.read(node, path, context);
    return name === undefined ? undefined : { name, path, offset: node.start };
  },
};

/** Keys of a part of a unit. */
export const partTable = {
  name: 'part',
  fields: {
    type: partType,
    service: serviceName,
    needs: listOf(need, { single: true, max: MOST_PARTS }),
    ...releaseKeys,
  },
  required: ['type', 'service'],
  habits: {
    ...keyHabits,
    depends_on: 'Write needs',
    after: 'Write needs',
    environment: 'Write it beside parts: all parts have the environment of the unit',
    keep: 'Write it beside parts: it is of the unit',
    allow_older: 'Write it beside parts: it is of the unit',
    parts: NO_PARTS,
  },
} as const;

const partFields = fields(partTable);

/** A part in the text. */
export interface WrittenPart {
  readonly draft: PartDraft;
  readonly needs: readonly NameUse[];
  readonly place: Place;
}

const partReader: Reader<WrittenPart> = {
  expects: partFields.expects,
  schema: partFields.schema,
  read: (node, path, context) => {
    const values = partFields.read(node, path, context);
    const { type, service, needs = [] } = values ?? {};
    if (values === undefined || type === undefined || service === undefined) return undefined;
    const place = { path, offset: node.start };
    const at = { ...place, entries: node.kind === 'map' ? node.entries : [] };
    if (refusesKeys(type, at, context)) return undefined;
    // The unit says where, and how many are kept.
    const common = {
      kind: DEPLOY_KIND,
      service,
      environment: 'default',
      keep: DEFAULT_KEEP,
    } as const;
    const draft = releaseDraft(type, common, values, at, context);
    return draft && { draft, needs, place };
  },
};

export const partsReader: Reader<readonly WrittenPart[]> = listOf(partReader, {
  min: 1,
  max: MOST_PARTS,
});

/** A unit as it is read, its parts in the order in which they are put into service. */
export function unitDraft(
  common: CommonDraft,
  parts: readonly WrittenPart[] | undefined,
  at: Written,
  problems: Problems,
): DeployDraft | undefined {
  if (parts === undefined) {
    // What is written and cannot be read was told already.
    if (isWritten(at, 'parts')) return undefined;
    const hint = 'Add parts, each with its own type and service';
    problems.error('missing_key', 'A hybrid needs "parts".', at, hint);
    return undefined;
  }
  if (!areNamedApart(common.service, parts, problems)) return undefined;
  if (!areNeedsKnown(parts, problems) || isCycle(parts, problems)) return undefined;
  const { environment, keep } = common;
  return {
    ...{ ...common, type: 'hybrid' },
    parts: inOrder(parts).map(({ draft, needs }) => ({
      deploy: { ...withoutUses(draft), environment, keep },
      needs: [...new Set(needs.map(({ name }) => name))],
    })),
    secretUses: parts.flatMap(({ draft }) => draft.secretUses),
  };
}

function withoutUses({ secretUses: _uses, ...deploy }: PartDraft): PartDeploy {
  return deploy;
}

function areNamedApart(unit: string, parts: readonly WrittenPart[], problems: Problems): boolean {
  const seen = new Set([unit]);
  const again = parts.filter(({ draft: { service } }) => {
    const isAgain = seen.has(service);
    seen.add(service);
    return isAgain;
  });
  for (const { draft, place } of again) {
    const { service } = draft;
    const message =
      service === unit
        ? `"${service}" is the unit itself.`
        : `There are two parts with the name "${service}".`;
    problems.error('duplicate_name', message, place, 'Give each a name of its own');
  }
  return again.length === 0;
}

function areNeedsKnown(parts: readonly WrittenPart[], problems: Problems): boolean {
  const names = parts.map(({ draft }) => draft.service);
  const unknown = parts.flatMap(({ needs }) => needs).filter(({ name }) => !names.includes(name));
  for (const use of unknown) {
    const near = nearestName(use.name, names);
    const hint = near === undefined ? `Known: ${names.join(', ')}` : `Did you mean "${near}"?`;
    problems.error('unknown_need', `There is no part "${use.name}" here to need.`, use, hint);
  }
  return unknown.length === 0;
}

function isCycle(parts: readonly WrittenPart[], problems: Problems): boolean {
  const edges = new Map(
    parts.map(({ draft, needs }) => [draft.service, needs.map(({ name }) => name)]),
  );
  const cycle = findCycle(edges);
  if (cycle === undefined) return false;
  const [first, second] = cycle;
  const part = parts.find(({ draft }) => draft.service === first);
  const place = part?.needs.find(({ name }) => name === second);
  if (place === undefined) throw new Error('a cycle of no parts');
  const message = `The parts wait for each other: ${cycle.join(' -> ')}.`;
  problems.error('dependency_cycle', message, place, 'Remove one of these needs');
  return true;
}

/** Parts behind those that they need, else in the order of the text; there is no cycle. */
function inOrder(parts: readonly WrittenPart[]): readonly WrittenPart[] {
  const left = [...parts];
  const placed = new Set<string>();
  const order: WrittenPart[] = [];
  while (left.length > 0) {
    const index = left.findIndex(({ needs }) => needs.every(({ name }) => placed.has(name)));
    const [next] = left.splice(index, 1);
    if (index < 0 || next === undefined) throw new Error('parts that wait for each other');
    placed.add(next.draft.service);
    order.push(next);
  }
  return order;
}
