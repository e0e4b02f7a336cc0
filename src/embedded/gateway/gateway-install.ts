import { join } from 'node:path';
import { type GoBuildOptions, type GoRecipe, installGoProgram } from '../go/go-program.js';

/**
 * FerretDB speaks MongoDB's protocol over PostgreSQL; its version must fit the extension in the
 * Debian archive.
 */
const GATEWAY_VERSION = 'v2.7.0';

/** 30 to 90 s of two cores, about 900 MB of disk meanwhile, 26 MB in the end. */
const RECIPE: GoRecipe = {
  module: `github.com/FerretDB/FerretDB/v2/cmd/ferretdb@${GATEWAY_VERSION}`,
  program: 'ferretdb',
  title: 'the database gateway (FerretDB)',
  oldestGo: [1, 25],
  takes: '30 to 90 seconds',
  diskNeeded: 'about 1.5 GB (the build needs it for a minute; 200 MB stay)',
  otherwise: 'set MONGODB_URI to a MongoDB server',
};

/** Name of the component in the cache. Raise the last number when the recipe below changes. */
export const GATEWAY_COMPONENT = `ferretdb-${GATEWAY_VERSION}-1`;

/** The gateway program of an installed component. */
export function gatewayPath(root: string): string {
  return join(root, RECIPE.program);
}

/** Builds the gateway in `root`, an empty folder. @throws EmbeddedError */
export async function installGateway(root: string, options: GoBuildOptions): Promise<void> {
  await installGoProgram(root, RECIPE, options);
}
