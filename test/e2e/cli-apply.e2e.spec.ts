import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../support/remove-tree.js';
import { CommandLine } from '../support/command-line.js';
import { MillraceServer } from '../support/millrace-server.js';

const TOKEN = 'test-token-of-24-characters';

describe('apply', () => {
  let server: MillraceServer;
  let home: string;
  let cli: CommandLine;

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 0 });
    home = await mkdtemp(join(tmpdir(), 'millrace-apply-'));
    cli = new CommandLine(home, { MILLRACE_URL: server.baseUrl, MILLRACE_TOKEN: TOKEN });
  });
  afterAll(async () => {
    await server?.stop();
    await removeTree(home);
  });

  const yaml = (name: string, text: string): string =>
    `name: ${name}\nstages:\n  - name: s\n    steps:\n      - run: echo ${text}\n`;

  async function fileOf(name: string, text: string, as = `${name}-${text}.yaml`): Promise<string> {
    await writeFile(join(home, as), yaml(name, text));
    return as;
  }

  async function versionsOf(name: string): Promise<number[]> {
    const { items } = await server.call<{ items: { name: string; version: number }[] }>(
      'GET',
      '/api/ci/pipelines?limit=200',
    );
    return items.filter((each) => each.name === name).map(({ version }) => version);
  }

  it('creates, updates, leaves alone, and creates again what was deleted', async () => {
    const [one, two] = [await fileOf('shop', '1'), await fileOf('shop', '2')];
    const said = /^([\w-]{36}) {2}shop {2}version (\d) {2}(\w+)\n$/;
    const outcomes: (string | undefined)[][] = [];
    for (const file of [one, one, two]) {
      const { stdout } = await cli.run(['apply', file]);
      outcomes.push((said.exec(stdout) ?? []).slice(1));
    }
    const [id] = outcomes[0] ?? [];
    expect(outcomes).toEqual([
      [id, '1', 'created'],
      [id, '1', 'unchanged'],
      [id, '2', 'updated'],
    ]);
    const piped = await cli.run(['apply', '-', '--json'], { input: yaml('shop', '2') });
    expect(JSON.parse(piped.stdout)).toMatchObject({
      items: [{ file: '-', action: 'unchanged', pipeline: { id, version: 2 } }],
    });
    expect((await cli.run(['pipelines', 'delete', id ?? ''])).code).toBe(0);
    // The key of its creation is still known to the server, with this text and with another one.
    for (const file of [one, two]) {
      const again = await cli.run(['apply', file]);
      expect(again.stdout).toMatch(said);
      expect(again.stdout).not.toContain(id);
      expect(await versionsOf('shop')).toHaveLength(1);
      const made = said.exec(again.stdout)?.[1] ?? '';
      expect((await cli.run(['pipelines', 'delete', made])).code).toBe(0);
    }
  });

  it('of several at once one creates, whatever they say', async () => {
    const files = await Promise.all(['1', '1', '2', '3'].map((text) => fileOf('race', text)));
    const all = await Promise.all(files.map((file) => cli.run(['apply', file])));
    expect(all.filter(({ stdout }) => stdout.endsWith('created\n'))).toHaveLength(1);
    for (const { code } of all) expect([0, 1]).toContain(code);
    expect(await versionsOf('race')).toHaveLength(1);
  });

  it('asks which of several of a name is meant', async () => {
    const ids = [
      await server.createPipeline(yaml('twin', '1')),
      await server.createPipeline(yaml('twin', '1')),
    ];
    const file = await fileOf('twin', '2');
    const asked = await cli.run(['apply', file]);
    expect(asked).toMatchObject({ code: 2, stdout: '' });
    for (const id of ids) expect(asked.stderr).toContain(`  ${id}  twin\n`);
    expect(asked.stderr).toContain('--pipeline ID');
    const told = await cli.run(['apply', file, '--pipeline', ids[0] ?? '']);
    expect(told.stdout).toBe(`${ids[0]}  twin  version 2  updated\n`);
  });

  it('stores nothing when one of the files is wrong, or two have one name', async () => {
    const good = await fileOf('never', '1');
    await writeFile(join(home, 'bad.yaml'), 'name: bad\nstagess: []\n');
    const wrong = await cli.run(['apply', good, 'bad.yaml']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/^bad\.yaml:\d+:\d+: error: [\s\S]*Nothing is stored: /m);
    const json = await cli.run(['apply', good, 'bad.yaml', '--json']);
    expect(JSON.parse(json.stderr)).toMatchObject({ details: [{ file: 'bad.yaml' }, {}] });
    expect((await cli.run(['apply', good, await fileOf('never', '2')])).code).toBe(2);
    expect(await versionsOf('never')).toEqual([]);
  });
});
