import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';

interface ServiceBody {
  readonly status: string;
  readonly reason: { readonly code: string; readonly message: string };
  readonly checks: readonly {
    readonly name: string;
    readonly status: string;
    readonly problem: { readonly code: string; readonly message: string } | null;
  }[];
}

const SECRET = 'secret-of-a-service-7c2e';
/** Answers its version; `/sick` and `/well` say what its check will find in its home. */
const PROGRAM = `const { rmSync, writeFileSync } = require('node:fs');
const sick = process.env.HOME + '/sick';
const answers = { '/sick': () => writeFileSync(sick, ''), '/well': () => rmSync(sick, { force: true }) };
require('node:http').createServer(({ url }, answer) => {
  answers[url]?.();
  answer.end('version ' + require('node:fs').readFileSync('version', 'utf8'));
}).listen(process.env.PORT, '127.0.0.1');
`;
/** Finds what lies in the release's own folder, and prints a secret of the service. */
const CHECK = `test -f version && echo "as $(id -un) with $PASSWORD" && ! test -e "$HOME/sick"`;

/** A program of the host behind a real supervisor and Caddy, and steps that look for it. */
describe('checks of an instance, and addresses of services in steps', () => {
  let server: MillraceServer;

  const until = (status: string): Promise<ServiceBody> =>
    eventually(async () => {
      const body = await server.call<ServiceBody>('GET', '/api/services/default%2Fshop');
      return body.status === status ? body : undefined;
    });
  const discovered = (): Promise<Response> => server.fetch('GET', '/api/discovery/shop');

  beforeAll(async () => {
    server = await MillraceServer.start();
    await server.call('PUT', '/api/secrets/PASSWORD', { value: SECRET });
  });
  afterAll(async () => {
    await server?.stop();
  });

  it('a command in a local_service decides, as its user, and shows no secret', async () => {
    const pipeline = await server.createPipeline(`name: shop
steps:
  - name: build
    environment: { PROGRAM: ${JSON.stringify(PROGRAM)} }
    run: mkdir -p out && printf %s "$PROGRAM" >out/server.js && printf 1 >out/version
  - name: ship
    deploy:
      type: local_service
      service: shop
      source: out
      run: [${JSON.stringify(process.execPath)}, server.js]
      secrets: [PASSWORD]
      gate: { path: /, stable: 500ms, timeout: 60s }
      checks:
        - type: exec
          name: ready
          command: ${JSON.stringify(CHECK)}
          interval: 1s
          timeout: 900ms
`);
    const { status } = await server.finished(await server.trigger(pipeline), 60_000);
    expect(status).toBe('success');
    await server.call('PATCH', '/api/services/default%2Fshop', {
      check: { interval_seconds: 1, timeout_seconds: 0.9 },
      checks: [{ type: 'exec', name: 'more', command: ['true'], interval_seconds: 1 }],
    });
    const running = await eventually(async () => {
      const body = await until('running');
      return body.checks.every((check) => check.status === 'running') ? body : undefined;
    });
    expect(running.checks.map(({ name }) => name)).toEqual(['ready', 'more']);
    const found = (await (await discovered()).json()) as { endpoints: readonly string[] };
    const [address = ''] = found.endpoints;
    await fetch(new URL('/sick', address));
    const failed = await until('failed');
    const user = process.getuid?.() === 0 ? 'millrace-service' : '';
    expect(failed.reason).toMatchObject({
      code: 'instance_failed',
      message: expect.stringContaining(
        `check ready fails: it ended with exit code 1: as ${user}`,
      ) as string,
    });
    expect(failed.reason.message).toMatch(/ with \*\*\*$/);
    expect((await discovered()).status).toBe(503);
    await fetch(new URL('/well', address));
    await until('running');
    expect((await discovered()).status).toBe(200);
  });

  it('a later step of one pipeline reads the address of what an earlier one has deployed', async () => {
    const pipeline = await server.createPipeline(
      `name: api
steps:
  - name: build
    environment: { PROGRAM: ${JSON.stringify(PROGRAM)} }
    run: mkdir -p out && printf %s "$PROGRAM" >out/server.js && printf 7 >out/version
  - name: ship
    deploy:
      type: local_service
      service: api
      source: out
      run: [${JSON.stringify(process.execPath)}, server.js]
      gate: { path: /, stable: 500ms, timeout: 60s }
  - name: ask
    environment: { PORT_OF_API: "\${{ services.api.port }}" }
    outputs: [answer, port]
    run:
      - echo "answer=$(${process.execPath} -e 'fetch(process.argv[1]).then((a) => a.text()).then(console.log)' "$URL")" >>"$CI_OUTPUT"
      - echo "port=$PORT_OF_API" >>"$CI_OUTPUT"
  - name: unknown
    run: curl \${{ services.apii.url }}
    continue_on_error: true
`.replace('environment: { PORT', 'environment: { URL: "${{ services.api.url }}", PORT'),
    );
    const { status, stages } = await server.finished(await server.trigger(pipeline), 90_000);
    expect(status).toBe('success');
    const steps = stages.flatMap((stage) => stage.steps);
    const { outputs } = steps.find(({ name }) => name === 'ask') as unknown as {
      outputs: Record<string, string>;
    };
    expect(outputs).toEqual({
      answer: 'version 7',
      port: expect.stringMatching(/^\d+$/) as string,
    });
    expect(steps.find(({ name }) => name === 'unknown')).toMatchObject({
      status: 'failed',
      reason: {
        code: 'service_unavailable',
        message:
          "services['apii']: there is no service default/apii; did you mean services['default/api']?",
      },
    });
  });
});
