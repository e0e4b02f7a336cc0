import { readEvents, type ServerEvent } from '../support/event-stream.js';
import { MillraceServer } from '../support/millrace-server.js';

const LINES = 200_000;

interface Line {
  readonly seq: number;
  readonly text: string;
  readonly step: string;
}

describe('logs', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 1 });
  });

  afterAll(async () => {
    await server.stop();
  });

  it(`brings ${LINES} lines in order, live with a reconnect, and from the store at the end`, async () => {
    const yaml = [
      'name: flood',
      'steps:',
      `  - run: seq 1 ${LINES} | awk '{ printf "%099d\\n", $1 }'`,
    ].join('\n');
    const id = await server.trigger(await server.createPipeline(yaml));
    const seen: Line[] = [];
    await follow(id, seen, (event) => event.event === 'log' && seen.length > LINES / 3);
    expect(seen.length).toBeLessThan(LINES);
    await follow(id, seen, ({ event }) => event === 'done');

    // Told `done`, so the store has everything now.
    const stored = await storedLines(id);
    expect(stored).toHaveLength(LINES);
    expect(stored.findIndex(({ text, seq }, i) => Number(text) !== i + 1 || seq !== i + 1)).toBe(
      -1,
    );
    expect(seen).toHaveLength(LINES);
    expect(seen.findIndex(({ seq }, i) => seq !== i + 1)).toBe(-1);
    expect(await server.execution(id)).toMatchObject({ status: 'success' });
    expect((await server.logText(id)).split('\n')).toHaveLength(LINES + 1);
  });

  it('shows a line at once while its step continues', async () => {
    const id = await server.trigger(
      await server.createPipeline('name: slow\nsteps:\n  - run: echo first; sleep 30\n'),
    );
    const seen: Line[] = [];
    await follow(id, seen, () => seen.length > 0);
    expect(seen[0]?.text).toBe('first');
    expect((await server.execution(id)).status).toBe('running');
    await server.call('POST', `/api/ci/executions/${id}/cancel`, {});
    await server.finished(id);
  });

  it('filters by step and attempt, and pages by number', async () => {
    const yaml = [
      'name: two',
      'stages:',
      '  - name: s',
      '    steps:',
      '      - { name: a, run: echo from a }',
      '      - name: b',
      '        run: echo try $CI_STEP_ATTEMPT; test $CI_STEP_ATTEMPT = 2',
      '        retry: { max: 1, backoff: { initial: 0s } }',
    ].join('\n');
    const { id } = await server.run(yaml);
    expect((await storedLines(id, 'step=a')).map(({ text }) => text)).toEqual(['from a']);
    const second = await storedLines(id, 'step=b&attempt=2');
    expect(second.map(({ text }) => text)).toContain('try 2');
    expect(second.map(({ text }) => text)).not.toContain('try 1');
    const all = await storedLines(id);
    expect(await storedLines(id, 'after=1&limit=1')).toEqual([all[1]]);
  });

  it('masks credentials of URLs wherever they are printed', async () => {
    const secret = 'pa55-w0rd-of-the-url';
    const yaml = [
      'name: masked',
      'stages:',
      '  - name: s',
      '    steps:',
      `      - { name: echo, run: "echo ${secret}; printf ${secret.slice(0, 8)}; sleep 0.2; echo ${secret.slice(8)}" }`,
      `      - { name: clone, step_type: github, config: { repository_url: "http://user:${secret}@127.0.0.1:9/x.git" } }`,
    ].join('\n');
    const { id, status } = await server.run(yaml);
    expect(status).toBe('failed');
    const whole = JSON.stringify([
      await server.call('GET', `/api/ci/executions/${id}`),
      await server.call('GET', `/api/ci/executions/${id}/explain`),
      await storedLines(id),
      await server.logText(id),
    ]);
    expect(whole).toContain('***');
    expect(whole).not.toContain(secret);
  });

  /**
   * Follows the events into `seen` until `enough` says so; connects again behind the last line
   * seen.
   */
  async function follow(
    id: string,
    seen: Line[],
    enough: (event: ServerEvent) => boolean,
  ): Promise<void> {
    const last = seen.at(-1)?.seq;
    const response = await server.fetch(
      'GET',
      `/api/ci/executions/${id}/events`,
      undefined,
      last === undefined ? {} : { 'last-event-id': String(last) },
    );
    expect(response.status).toBe(200);
    for await (const event of readEvents(response)) {
      if (event.event === 'log') seen.push(...(event.data as { lines: Line[] }).lines);
      if (enough(event)) return;
    }
    throw new Error('the events ended too early');
  }

  async function storedLines(id: string, query = ''): Promise<Line[]> {
    const response = await server.fetch('GET', `/api/ci/executions/${id}/logs?${query}`);
    const text = (await response.text()).trim();
    return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Line);
  }
});
