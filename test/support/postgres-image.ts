import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCache } from '../../src/config/paths.js';
import {
  installPostgres,
  POSTGRES_COMPONENT,
  postgresPaths,
} from '../../src/embedded/postgres/postgres-install.js';
import { cachedComponent } from '../../src/embedded/system/component-cache.js';
import { copyFolder } from './host-programs.js';
import { type ImageImporter, makeStepImage } from './step-image.js';

/** Makes a database at its first start, as the user postgres, and serves it to all addresses. */
const POSTGRES_ENTRYPOINT = `#!/bin/sh
set -e
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" && chown -R postgres "$PGDATA" && chmod 700 "$PGDATA"
  exec su -s /bin/sh postgres -c "exec $0"
fi
printf %s "$POSTGRES_PASSWORD" >/tmp/password
initdb -D "$PGDATA" -U postgres --pwfile=/tmp/password --auth-local=trust --auth-host=password \\
  --encoding=UTF8 --no-locale --no-sync
echo 'host all all all password' >>"$PGDATA/pg_hba.conf"
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp
`;

/**
 * Makes an image of busybox and the PostgreSQL that Millrace itself brings along, which is started
 * with `POSTGRES_PASSWORD`, as the public image `postgres`.
 */
export async function makePostgresImage(engine: ImageImporter, image: string): Promise<void> {
  const source = await embeddedPostgres();
  const changes = [
    `ENV PATH=${postgresPaths('/').programs}:/bin PGDATA=/var/lib/postgresql/data TZ=UTC`,
    'ENTRYPOINT ["/entrypoint"]',
    'EXPOSE 5432',
  ];
  await makeStepImage(engine, image, changes, async (root) => {
    await copyFolder(join(source, 'usr'), join(root, 'usr'));
    const entrypoint = join(root, 'entrypoint');
    await writeFile(entrypoint, POSTGRES_ENTRYPOINT);
    await chmod(entrypoint, 0o755);
    for (const [file, line] of Object.entries({
      passwd: 'postgres:x:999:999::/var/lib/postgresql:/bin/sh\n',
      group: 'postgres:x:999:\n',
    })) {
      await writeFile(join(root, 'etc', file), line, { flag: 'a' });
    }
    await mkdir(join(root, 'var/lib/postgresql'), { recursive: true });
  });
}

/** Its folder: as a rule it is there, because the database of the test run is one. */
async function embeddedPostgres(): Promise<string> {
  const options = {
    env: process.env,
    progress: (line: string) => process.stderr.write(`tests: ${line}\n`),
  };
  return cachedComponent({
    ...{ ...options, cache: defaultCache(), name: POSTGRES_COMPONENT },
    make: (folder) => installPostgres(folder, options),
  });
}
