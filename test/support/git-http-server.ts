import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What the server does with a request before git sees it. */
export type GitServerBehaviour =
  | { readonly kind: 'serve' }
  /** Answers everything with a redirect to another base URL. */
  | { readonly kind: 'redirect'; readonly to: string; readonly status?: number }
  /** Sends this many bytes of the pack, then nothing. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Sends this many bytes of the pack, then closes the connection. */
  | { readonly kind: 'close'; readonly afterBytes: number }
  /** Answers everything with this status. */
  | { readonly kind: 'status'; readonly status: number }
  /** Answers by itself; `false`: git answers after all. */
  | {
      readonly kind: 'answer';
      readonly answer: (request: http.IncomingMessage, response: http.ServerResponse) => boolean;
    };

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly host?: string;
  readonly authorization?: string;
  readonly userAgent?: string;
  /** It asked for objects, and not for the list of refs. Known when its body has come. */
  fetch?: boolean;
}

/**
 * A git HTTP server on loopback over the real `git http-backend`, serving the bare repositories of
 * a folder, with HTTP Basic authentication when asked for, and able to misbehave. For tests only.
 */
export class GitHttpServer {
  /** Behaviour of the requests from now on. */
  behaviour: GitServerBehaviour = { kind: 'serve' };
  /** Every request since the start. */
  readonly seen: SeenRequest[] = [];
  /** Bytes of all answers to POST requests so far. */
  sentPackBytes = 0;

  private constructor(
    private readonly server: http.Server | https.Server,
    readonly root: string,
    private readonly auth: { readonly username: string; readonly password: string } | undefined,
    private readonly scheme: 'http' | 'https',
  ) {}

  /** @param root folder of bare repositories */
  static async start(
    root: string,
    options: {
      readonly auth?: { readonly username: string; readonly password: string };
      /** Default 127.0.0.1. */
      readonly address?: string;
      /** https with these, in PEM form. */
      readonly tls?: { readonly key: string; readonly cert: string };
    } = {},
  ): Promise<GitHttpServer> {
    requireGit();
    const server = options.tls ? https.createServer(options.tls) : http.createServer();
    const scheme = options.tls ? 'https' : 'http';
    const self = new GitHttpServer(server, root, options.auth, scheme);
    server.on('request', (request, response) => self.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, options.address ?? '127.0.0.1', resolve));
    return self;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** URL of a repository, by its name without `.git`; with credentials when given. */
  url(repository: string, credentials = '', host = '127.0.0.1'): string {
    const user = credentials === '' ? '' : `${credentials}@`;
    return `${this.scheme}://${user}${host}:${this.port}/${repository}.git`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private handle(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { host, authorization, 'user-agent': userAgent } = request.headers;
    const seen: SeenRequest = {
      method: request.method ?? '',
      url: request.url ?? '',
      host,
      authorization,
      userAgent,
    };
    this.seen.push(seen);
    noteBody(request, seen);
    const { behaviour } = this;
    if (behaviour.kind === 'redirect') {
      response.writeHead(behaviour.status ?? 302, { location: behaviour.to + request.url });
      response.end();
      return;
    }
    if (behaviour.kind === 'status') {
      response.writeHead(behaviour.status).end('no');
      return;
    }
    if (behaviour.kind === 'answer' && behaviour.answer(request, response)) return;
    if (this.auth && authorization !== basic(this.auth)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    this.runBackend(request, response, behaviour);
  }

  private runBackend(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    behaviour: GitServerBehaviour,
  ): void {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const backend = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: this.root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REQUEST_METHOD: request.method,
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
        ...(request.headers['content-length'] && {
          CONTENT_LENGTH: request.headers['content-length'],
        }),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    request.pipe(backend.stdin);
    backend.stdin.on('error', () => undefined);
    response.on('close', () => backend.kill());
    const isPack = request.method === 'POST';
    let head: Buffer | undefined = Buffer.alloc(0);
    let sent = 0;
    const sendBody = (bytes: Buffer): void => {
      if (isPack) this.sentPackBytes += bytes.length;
      const cutsOff = behaviour.kind === 'stall' || behaviour.kind === 'close';
      if (!isPack || !cutsOff) {
        response.write(bytes);
        return;
      }
      const room = behaviour.afterBytes;
      response.write(bytes.subarray(0, Math.max(0, room - sent)));
      sent += bytes.length;
      if (sent >= room && behaviour.kind === 'close') response.destroy();
    };
    backend.stdout.on('data', (chunk: Buffer) => {
      if (head === undefined) return sendBody(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      const body = head.subarray(end + 4);
      writeCgiHead(head.subarray(0, end).toString('latin1'), response);
      head = undefined;
      sendBody(body);
    });
    backend.on('close', () => {
      // A short answer, such as the list of refs, is sent whole.
      if (isPack && behaviour.kind === 'stall' && sent >= behaviour.afterBytes) return;
      if (head !== undefined) response.writeHead(500);
      response.end();
    });
  }
}

function noteBody(request: http.IncomingMessage, seen: SeenRequest): void {
  if (request.method !== 'POST') return;
  let listing = false;
  request.on('data', (chunk: Buffer) => (listing ||= chunk.includes('command=ls-refs')));
  request.on('end', () => (seen.fetch = !listing));
}

function writeCgiHead(head: string, response: http.ServerResponse): void {
  let status = 200;
  for (const line of head.split('\r\n')) {
    const [name = '', value = ''] = line.split(/:\s*(.*)/s);
    if (name.toLowerCase() === 'status') status = parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}

function basic(auth: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}

/** @throws Error that says how to get git: tests that need it fail and are never skipped. */
export function requireGit(): void {
  try {
    execFileSync('git', ['--version'], { stdio: 'ignore' });
  } catch {
    throw new Error('These tests need the git program: apt-get install git');
  }
}

/**
 * A repository made with the git program, in a temporary folder, to be served by {@link
 * GitHttpServer}. Neither the machine's configuration nor its user's is used; author and committer
 * are fixed.
 */
export class GitFixture {
  private constructor(readonly directory: string) {}

  /** An empty working repository whose branch is `branch`. */
  static async create(branch = 'main'): Promise<GitFixture> {
    requireGit();
    const fixture = new GitFixture(mkdtempSync(join(tmpdir(), 'millrace-git-')));
    await fixture.git('init', '-q', '-b', branch);
    return fixture;
  }

  /** Runs git in the working tree; its stdout without the last line break. */
  async git(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('git', args, {
      cwd: this.directory,
      env: fixtureEnvironment,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.replace(/\n$/, '');
  }

  /** Commits everything in the working tree; the SHA. */
  async commit(message: string, author = 'Ada Lovelace <ada@example.com>'): Promise<string> {
    await this.git('add', '-A');
    await this.git(
      'commit',
      '-q',
      '--allow-empty',
      '--cleanup=verbatim',
      `--author=${author}`,
      '-m',
      message,
    );
    return this.git('rev-parse', 'HEAD');
  }

  /**
   * Makes a bare copy `<root>/<name>.git`; `config` are further settings, such as
   * `uploadpack.allowAnySHA1InWant`.
   */
  async publish(root: string, name: string, config: Record<string, string> = {}): Promise<void> {
    const bare = join(root, `${name}.git`);
    await this.git('clone', '-q', '--mirror', '--no-local', this.directory, bare);
    for (const [key, value] of Object.entries(config)) {
      await this.git('--git-dir', bare, 'config', key, value);
    }
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const fixtureEnvironment = {
  PATH: process.env.PATH,
  LC_ALL: 'C.UTF-8',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada Lovelace',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada Lovelace',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};
