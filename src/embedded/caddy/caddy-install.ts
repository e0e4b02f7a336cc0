import { join } from 'node:path';
import { type GoBuildOptions, type GoRecipe, installGoProgram } from '../go/go-program.js';

/** Debian 12 has 2.6, which closes streams when its configuration changes. */
const CADDY_VERSION = 'v2.11.9';

/** 1 to 3 minutes of two cores, about 2.5 GB of disk meanwhile, 40 MB in the end. */
const RECIPE: GoRecipe = {
  module: `github.com/caddyserver/caddy/v2/cmd/caddy@${CADDY_VERSION}`,
  program: 'caddy',
  title: 'the reverse proxy (Caddy)',
  oldestGo: [1, 26],
  takes: '1 to 3 minutes',
  diskNeeded: 'about 3 GB (the build needs it for some minutes; 50 MB stay)',
};

/** Name of the component in the cache. Raise the last number when the recipe above changes. */
export const CADDY_COMPONENT = `caddy-${CADDY_VERSION}-1`;

/** The program of an installed component. */
export function caddyPath(root: string): string {
  return join(root, RECIPE.program);
}

/** Builds Caddy in `root`, an empty folder. @throws EmbeddedError */
export async function installCaddy(root: string, options: GoBuildOptions): Promise<void> {
  await installGoProgram(root, RECIPE, options);
}
