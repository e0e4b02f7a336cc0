import { fields, type Reader } from '../../yaml/reader.js';
import { DEFAULT_KEEP, DEPLOY_KIND } from './deploy-action.js';
import type { DeployDraft } from './deploy-draft.js';
import { deployTable } from './deploy-table.js';
import { type CommonDraft, refusesKeys, releaseDraft } from './release-drafts.js';
import { unitDraft } from './unit-parts.js';

const settings = fields(deployTable);

/** A deployment as it is read. */
export const deployReader: Reader<DeployDraft> = {
  expects: settings.expects,
  read: (node, path, context) => {
    const values = settings.read(node, path, context);
    const { type, service } = values ?? {};
    if (values === undefined || type === undefined || service === undefined) return undefined;
    const keys = node.kind === 'map' ? node.entries.map(({ key }) => key) : [];
    const at = { path, offset: node.start, keys };
    if (node.kind === 'map' && refusesKeys(type, node, path, context)) return undefined;
    const { environment = 'default', keep = DEFAULT_KEEP, allow_older: allowOlder } = values;
    const common: CommonDraft = {
      ...{ kind: DEPLOY_KIND, service, environment, keep },
      ...(allowOlder === true && { allowOlder }),
    };
    return type === 'hybrid'
      ? unitDraft(common, values.parts, at, context)
      : releaseDraft(type, common, values, at, context);
  },
};
