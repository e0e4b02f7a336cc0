import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CookieJar } from './cookie-jar.js';
import { endChild } from './end-child.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { removeTree } from './remove-tree.js';

/** Of every account of a test. */
const PASSWORD = 'a-password-of-tests';
const ADMIN = 'root-of-gitea';
const START_MS = 60_000;

export interface GiteaStatus {
  readonly id: number;
  readonly status: string;
  readonly context: string;
  readonly description: string;
  readonly target_url: string;
}

export interface GiteaHook {
  readonly id: number;
  readonly events: readonly string[];
  readonly config: { readonly url: string };
}

/** Folder of the Gitea that `test/gitea/build` has made, or why there is none. */
export function findGitea(): { readonly root: string } | { readonly problem: string } {
  const program = join(__dirname, '../gitea/build');
  const { status, stdout, stderr } = spawnSync(program, ['--kept'], { encoding: 'utf8' });
  return status === 0 ? { root: stdout.trim() } : { problem: stderr.trim() };
}

/** A real Gitea on loopback, with a data folder of its own, which sends webhooks to loopback. */
export class Gitea {
  private adminToken = '';

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    private readonly port: number,
  ) {}

  private child: ChildProcess | undefined;
  private output = '';

  /** @param root folder that `findGitea` has found */
  static async start(root: string): Promise<Gitea> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-gitea-'));
    const gitea = new Gitea(join(root, 'gitea'), folder, await freePort());
    try {
      await writeFile(join(folder, 'app.ini'), configuration(root, folder, gitea.port));
      await gitea.admin('migrate');
      await gitea.admin(
        ...['admin', 'user', 'create', '--admin', '--username', ADMIN, '--password', PASSWORD],
        ...['--email', `${ADMIN}@example.org`, '--must-change-password=false'],
      );
      await gitea.serve();
      gitea.adminToken = await gitea.createToken(ADMIN, ['all']);
      return gitea;
    } catch (error) {
      await gitea.stop();
      throw error;
    }
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  async stop(): Promise<void> {
    await endChild(this.child);
    await removeTree(this.folder);
  }

  /** @returns its numeric id */
  async createUser(username: string): Promise<number> {
    const { id } = await this.call<{ id: number }>('POST', '/admin/users', {
      ...{ username, password: PASSWORD, email: `${username}@example.org` },
      must_change_password: false,
    });
    return id;
  }

  /** A token of the account, for the API and for git. */
  async createToken(username: string, scopes: readonly string[]): Promise<string> {
    const response = await fetch(`${this.baseUrl}/api/v1/users/${username}/tokens`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${username}:${PASSWORD}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ name: `token ${scopes.join()} ${String(Date.now())}`, scopes }),
    });
    const body = (await response.json()) as { sha1?: string };
    if (body.sha1 === undefined) throw new Error(`no token: ${JSON.stringify(body)}`);
    return body.sha1;
  }

  /** URL of a repository to push to, as the account. */
  pushUrl(fullName: string, username: string): string {
    return `http://${username}:${PASSWORD}@127.0.0.1:${String(this.port)}/${fullName}.git`;
  }

  /**
   * A request to the API whose answer must be 2xx.
   * @param as an account; default: the administrator
   */
  async call<T>(method: string, path: string, body?: unknown, as?: string): Promise<T> {
    const response = await fetch(`${this.baseUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `token ${this.adminToken}`,
        ...(as !== undefined && { sudo: as }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** All that was ever said of a commit, oldest first. */
  async statuses(fullName: string, commit: string): Promise<GiteaStatus[]> {
    const path = `/repos/${fullName}/commits/${commit}/statuses?limit=50`;
    const statuses = await this.call<GiteaStatus[]>('GET', path);
    return statuses.toSorted((one, other) => one.id - other.id);
  }

  /**
   * Logs in to Gitea as a browser does, and consents on the page of `authorizeUrl` if it is asked.
   * @returns the address that it leads back to
   */
  async consent(authorizeUrl: string, username: string): Promise<string> {
    const browser = new CookieJar();
    const form = { user_name: username, password: PASSWORD };
    const loggedIn = await submit(browser, `${this.baseUrl}/user/login`, form);
    if (loggedIn.status !== 303) {
      throw new Error(`no log-in: ${String(loggedIn.status)} ${await loggedIn.text()}`);
    }
    const page = await browser.fetch(authorizeUrl);
    // Who consented once is not asked again.
    const answer = page.status === 200 ? await this.grant(browser, await page.text()) : page;
    const back = answer.headers.get('location');
    if (back === null) throw new Error(`no way back: ${String(answer.status)}`);
    return back;
  }

  private grant(browser: CookieJar, html: string): Promise<Response> {
    const inputs = html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g);
    const fields = Object.fromEntries(
      Array.from(inputs, ([, name, value = '']) => [name, value.replaceAll('&amp;', '&')]),
    ) as Record<string, string>;
    const url = `${this.baseUrl}/login/oauth/grant`;
    return submit(browser, url, { ...fields, granted: 'true' });
  }

  private async admin(...args: readonly string[]): Promise<void> {
    await promisify(execFile)(this.program, this.withConfiguration(args), {
      env: this.environment,
    });
  }

  private async serve(): Promise<void> {
    const child = spawn(this.program, this.withConfiguration(['web']), {
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`Gitea ended:\n${this.output}`);
      const asked = fetch(`${this.baseUrl}/api/v1/version`).catch(() => undefined);
      return (await asked)?.ok === true || undefined;
    }, START_MS);
  }

  private withConfiguration(args: readonly string[]): string[] {
    return ['--config', join(this.folder, 'app.ini'), '--work-path', this.folder, ...args];
  }

  private get environment(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: this.folder, USER: userInfo().username };
  }
}

async function submit(
  browser: CookieJar,
  url: string,
  fields: Readonly<Record<string, string>>,
): Promise<Response> {
  return browser.fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  });
}

/** As root it runs too: it is alone on loopback, and ends with the test. */
function configuration(root: string, folder: string, port: number): string {
  return `
RUN_USER = ${userInfo().username}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${String(port)}
ROOT_URL = http://127.0.0.1:${String(port)}/
STATIC_ROOT_PATH = ${root}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = ${folder}/gitea.db
[security]
INSTALL_LOCK = true
[service]
DISABLE_REGISTRATION = true
[webhook]
ALLOWED_HOST_LIST = loopback
[indexer]
ISSUE_INDEXER_TYPE = db
[actions]
ENABLED = false
[mailer]
ENABLED = false
[cron]
ENABLED = false
[log]
MODE = console
LEVEL = Warn
`;
}
