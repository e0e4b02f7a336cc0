import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import { htmlPage, isAskedForPage, PAGE_POLICY } from './html-page.js';

/** What whoever opens the server in a browser types. */
const STARTS: ReadonlySet<string> = new Set(['/', '/api', '/api/']);
const DOCS: ReadonlySet<string> = new Set(['/docs', '/docs/']);

const PAGE = htmlPage(
  'Millrace',
  `<h1>Millrace</h1>
<p>This server runs pipelines, and puts into service what they have built.</p>
<ul>
<li><a href="/api/docs">The API</a>: every route, to be tried here (press Authorize, and paste a token)</li>
<li><a href="/docs/">Documentation</a>: the first minutes, pipelines, deployments, every setting</li>
<li><a href="/api/healthchecker">Health</a> of the server and what it needs</li>
<li><a href="/api/docs-json">OpenAPI document</a>, for programs</li>
</ul>
<p>At the command line: <code>./millrace --help</code></p>`,
);

/** A mill wheel. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 -16 32 32"><g fill="none" stroke="#2a7f9e" stroke-width="3"><circle r="10"/><path d="M0-15V15M-15 0H15M-10.6-10.6 10.6 10.6M-10.6 10.6 10.6-10.6"/></g><circle r="3.5" fill="#2a7f9e"/></svg>`;
const ICON_SECONDS = 86_400;

/**
 * The pages that `docs-pages.mjs` makes at build, at /docs: they go with the server, so that they
 * are of its version and need no internet. Without a build there are none.
 *
 * @param folder where they are
 */
export function documentation(app: NestExpressApplication, folder: string): void {
  app.useStaticAssets(folder, {
    prefix: '/docs',
    extensions: ['html'],
    maxAge: 0,
    setHeaders: (response: Response) =>
      void response.setHeader('Content-Security-Policy', PAGE_POLICY),
  });
}

/**
 * Answers a browser at the addresses that people try first, and gives it its icon. Programs get
 * there what they get at every address without a route.
 */
export function startPage(request: Request, response: Response, next: NextFunction): void {
  const { path, method } = request;
  if (path === '/favicon.ico' && (method === 'GET' || method === 'HEAD')) {
    response.setHeader('Cache-Control', `public, max-age=${ICON_SECONDS}`);
    response.type('image/svg+xml').send(ICON);
    return;
  }
  const isStart = STARTS.has(path);
  if ((!isStart && !DOCS.has(path)) || !isAskedForPage(request)) {
    next();
    return;
  }
  response.setHeader('Cache-Control', 'no-store');
  response.vary('Accept');
  if (!isStart) {
    response.redirect(302, '/api/docs');
    return;
  }
  response.setHeader('Content-Security-Policy', PAGE_POLICY);
  response.type('html').send(PAGE);
}
