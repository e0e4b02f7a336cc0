import { fields, type Reader, type ReadValue } from '../../yaml/reader.js';
import { DEFAULT_KEEP, DEPLOY_KIND } from './deploy-action.js';
import type { DeployDraft } from './deploy-draft.js';
import { deployTable } from './deploy-table.js';
import {
  type CommonDraft,
  type Problems,
  refusesKeys,
  releaseDraft,
  type Written,
} from './release-drafts.js';
import { unitDraft } from './unit-parts.js';

const settings = fields(deployTable);

export type DeployValues = NonNullable<ReadValue<typeof settings>>;

/** A deployment as it is read. */
export const deployReader: Reader<DeployDraft> = {
  expects: settings.expects,
  schema: settings.schema,
  read: (node, path, context) => {
    const values = settings.read(node, path, context);
    if (values === undefined) return undefined;
    const entries = node.kind === 'map' ? node.entries : [];
    return deployDraft(values, { path, offset: node.start, entries }, context);
  },
};

/** The deployment of the keys that could be read. Undefined: the problems were told. */
export function deployDraft(
  values: DeployValues,
  at: Written,
  problems: Problems,
): DeployDraft | undefined {
  const { type, service } = values;
  if (type === undefined || service === undefined) return undefined;
  if (refusesKeys(type, at, problems)) return undefined;
  const { environment = 'default', keep = DEFAULT_KEEP, allow_older: allowOlder } = values;
  const common: CommonDraft = {
    ...{ kind: DEPLOY_KIND, service, environment, keep },
    ...(allowOlder === true && { allowOlder }),
  };
  return type === 'hybrid'
    ? unitDraft(common, values.parts, at, problems)
    : releaseDraft(type, common, values, at, problems);
}
