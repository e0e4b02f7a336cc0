import type { ApiClient } from '../api/api-client.js';
import { deployment, type Deployment } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { findListed, type ListedKind } from './find-listed.js';

const DEPLOYMENT: ListedKind<Deployment> = {
  path: '/api/deployments',
  reader: deployment,
  idOf: ({ deployment_id: id }) => id,
  singular: 'deployment',
  plural: 'deployments',
  listedBy: 'See what there is: ./millrace deployments',
  line: ({ deployment_id: id, environment, service, status }) =>
    `${id}  ${cleanText(environment)}/${cleanText(service)}  ${status}`,
};

/** As `findListed`. @throws CommandError */
export function findDeployment(api: ApiClient, reference: string): Promise<string> {
  return findListed(api, DEPLOYMENT, reference);
}

/**
 * Where executions and deployments are named: the id of the deployment that one is named by the
 * beginning of; undefined where none is.
 */
export async function deploymentBeginning(
  api: ApiClient,
  reference: string,
): Promise<string | undefined> {
  if (!LONG_BEGINNING.test(reference)) return undefined;
  try {
    return await findDeployment(api, reference);
  } catch (error) {
    if (error instanceof CommandError && NOT_TOLD.has(error.exitCode)) return undefined;
    throw error;
  }
}

/** As lists show ids; what is shorter is taken for an execution alone. */
const LONG_BEGINNING = /^[0-9a-f]{8}-[0-9a-f-]{4,27}$/i;
const NOT_TOLD: ReadonlySet<number> = new Set([exitCodes.notFound, exitCodes.auth]);
