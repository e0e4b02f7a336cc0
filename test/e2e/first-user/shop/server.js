import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const COMMIT = process.env.COMMIT ?? 'unknown';

/** The pages of the shop. */
export function shop() {
  return createServer((request, response) => {
    if (request.url === '/') return response.end(`shop of ${COMMIT}`);
    response.statusCode = 404;
    response.end('there is no such page');
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = shop().listen(Number(process.env.PORT ?? 3000));
  process.once('SIGTERM', () => {
    server.close();
    server.closeIdleConnections();
  });
}
