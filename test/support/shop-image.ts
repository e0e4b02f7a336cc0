import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerEngine } from './docker-engine.js';
import { makeStepImage } from './step-image.js';

/** Serves `/srv` at port 8080, with its variables as `/env`. */
export const SHOP_PROGRAM = 'env >/srv/env; exec httpd -f -p 8080 -h /srv';

/** An image `shop:VERSION` whose page is the version. */
export function makeShopImage(
  engine: DockerEngine,
  version: string,
  program = SHOP_PROGRAM,
): Promise<void> {
  const runs = [`CMD ["sh", "-c", "${program}"]`];
  return makeStepImage(engine, `shop:${version}`, runs, async (root) => {
    await mkdir(join(root, 'srv'));
    await writeFile(join(root, 'srv/index.html'), version);
  });
}
