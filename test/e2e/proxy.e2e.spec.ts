import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith, findProgram } from '../support/needed-programs.js';

jest.setTimeout(180_000);

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');
const HOST = 'ci.example.test';
const PROGRAMS = { nginx: 'nginx-light', curl: 'curl', openssl: 'openssl' };

/**
 * `deploy/nginx/millrace.conf.template` and `deploy/make-certificate`, with the machine's nginx
 * before a real API.
 */
describeWith(PROGRAMS, {}, 'the TLS proxy', () => {
  let folder: string;
  let server: MillraceServer;
  let nginx: ChildProcess;
  let http: number;
  let https: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-proxy-'));
    [http, https] = [await freePort(), await freePort()];
    server = await MillraceServer.start({
      environment: { TRUST_PROXY: '1', ALLOWED_HOSTS: HOST, AUTH_FAILURE_LIMIT: '5' },
    });
    await run(join(ROOT, 'deploy/make-certificate'), [folder, HOST]);
    await writeFile(join(folder, 'nginx.conf'), await configuration());
    nginx = spawn(
      findProgram('nginx') as string,
      ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')],
      { stdio: 'ignore' },
    );
    await eventually(async () => {
      if (nginx.exitCode !== null)
        throw new Error(await readFile(join(folder, 'error.log'), 'utf8'));
      return curl('/api/health/live').then(
        () => true,
        () => undefined,
      );
    });
  });

  afterAll(async () => {
    if (nginx?.exitCode === null) {
      nginx.kill('SIGTERM');
      await once(nginx, 'exit');
    }
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The template as `envsubst` fills it, in the smallest nginx around it. */
  async function configuration(): Promise<string> {
    const values: Record<string, string> = {
      HOST,
      UPSTREAM: new URL(server.baseUrl).host,
      TLS: folder,
      HTTP_PORT: `127.0.0.1:${http}`,
      HTTPS_PORT: `127.0.0.1:${https}`,
      RESOLVER: '127.0.0.1',
    };
    const template = await readFile(join(ROOT, 'deploy/nginx/millrace.conf.template'), 'utf8');
    const site = template.replace(/\$\{MILLRACE_(\w+)\}/g, (_, name: string) => values[name] ?? '');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join(' ');
    return `daemon off; worker_processes 1; pid ${folder}/pid;
      events {}
      http { access_log off; ${temporary} ${site} }`;
  }

  async function curl(path: string, ...flags: string[]): Promise<string> {
    const { stdout } = await run('curl', [
      ...['--silent', '--show-error', '--http2', '--max-time', '60'],
      ...['--cacert', join(folder, 'fullchain.pem'), '--resolve', `${HOST}:${https}:127.0.0.1`],
      ...flags,
      `https://${HOST}:${https}${path}`,
    ]);
    return stdout;
  }

  const authorized = (): string[] => [
    '--header',
    `Authorization: Bearer ${server.environment['MILLRACE_TOKEN']}`,
  ];

  it('speaks HTTP/2 over TLS 1.2 and newer, under the certificate that was made', async () => {
    const written = ['--output', '/dev/null', '--write-out', '%{http_version} %{http_code}'];
    expect(await curl('/api/health/live', ...written)).toBe('2 200');
    await expect(curl('/api/health/live', '--tls-max', '1.1')).rejects.toThrow(/curl/);
  });

  it('sends http to https, and keeps metrics inside', async () => {
    const { stdout } = await run('curl', [
      ...['--silent', '--output', '/dev/null', '--write-out', '%{http_code} %{redirect_url}'],
      ...['--resolve', `${HOST}:${http}:127.0.0.1`, `http://${HOST}:${http}/api/docs`],
    ]);
    expect(stdout).toMatch(new RegExp(`^308 https://${HOST.replaceAll('.', '\\.')}:.*/api/docs$`));
    const status = ['--output', '/dev/null', '--write-out', '%{http_code}'];
    expect(await curl('/metrics', ...authorized(), ...status)).toBe('404');
  });

  it('streams events as they come', async () => {
    const pipeline = await server.createPipeline(
      'name: slow\nstages:\n  - name: a\n    steps:\n      - { name: b, run: "echo first; while [ ! -e go ]; do sleep 0.05; done; echo last" }\n',
    );
    const id = await server.trigger(pipeline);
    const stream = spawn('curl', [
      ...['--silent', '--no-buffer', '--http2', '--cacert', join(folder, 'fullchain.pem')],
      ...['--resolve', `${HOST}:${https}:127.0.0.1`, ...authorized()],
      `https://${HOST}:${https}/api/ci/executions/${id}/events`,
    ]);
    let seen = '';
    stream.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    // The step waits for ever: the line has come while the run continues.
    await eventually(() => seen.includes('"text":"first"') || undefined);
    expect(seen).not.toContain('event: done');
    await server.fetch('POST', `/api/ci/executions/${id}/cancel`, {});
    await once(stream, 'exit');
    expect(seen).toMatch(/event: done\ndata: .*"status":"cancelled"/);
  });

  it('passes an upload on, and lets Millrace refuse one that is too large', async () => {
    const example = ['--form', `pipeline=@${join(ROOT, 'examples/hello.yaml')}`];
    const made = JSON.parse(await curl('/api/ci/pipelines/upload', ...authorized(), ...example));
    expect(made).toMatchObject({ name: expect.any(String) as string });
    await writeFile(join(folder, 'large.yaml'), Buffer.alloc(11 * 1024 * 1024, 'a'));
    const large = ['--form', `pipeline=@${join(folder, 'large.yaml')}`];
    const refused = JSON.parse(await curl('/api/ci/pipelines/upload', ...authorized(), ...large));
    expect(refused).toMatchObject({ error: 'PayloadTooLargeError' });
  });

  it('hands the true client over: a forged X-Forwarded-For dodges no limit', async () => {
    const codes: string[] = [];
    for (let i = 0; i < 8; i++) {
      const forged = ['--header', `X-Forwarded-For: 203.0.113.${i}`];
      const wrong = ['--header', 'Authorization: Bearer wrong'];
      const status = ['--output', '/dev/null', '--write-out', '%{http_code}'];
      codes.push(await curl('/api/ci/pipelines', ...forged, ...wrong, ...status));
    }
    expect(codes.filter((code) => code === '401')).toHaveLength(5);
    expect(codes.slice(-3)).toEqual(['429', '429', '429']);
  });
});
