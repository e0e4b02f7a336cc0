import mongoose, { type Connection } from 'mongoose';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEncryptionKeys } from '../../src/config/encryption-key-list.js';
import { keyOf, Keyring } from '../../src/secrets/encryption/keyring.js';
import { openJson } from '../../src/secrets/encryption/sealed-json.js';
import { CommandLine, type Outcome } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import { testServices } from '../support/services.js';

jest.setTimeout(180_000);

const NEEDLE = 'hunter2-in-the-yaml';
const YAML = `name: hidden
triggers:
  - manual: { inputs: { target: { type: string, default: a } } }
environment: { PASSWORD: ${NEEDLE} }
steps:
  - run: 'test "$PASSWORD$GIVEN" = "${NEEDLE}given-${NEEDLE}"'
`;
const TRIGGER = {
  environment: { GIVEN: `given-${NEEDLE}` },
  inputs: { target: `input-${NEEDLE}` },
};
/** Where they are, and for what they are sealed. */
const SEALED = [
  ['plans', 'plan'],
  ['pipeline_versions', 'sealed'],
  ['pipelines', 'sealed'],
  ['executions', 'sealed'],
  ['secrets', 'value'],
] as const;

interface Keys {
  readonly keys: readonly { readonly id: string; readonly is_primary: boolean }[];
  readonly is_resealing: boolean;
}

interface Stored {
  readonly _id: string;
  readonly [field: string]: unknown;
}

describe('encryption of what is stored', () => {
  const databaseName = `e2e_${randomBytes(5).toString('hex')}`;
  let server: MillraceServer;
  let database: Connection;
  beforeAll(async () => {
    server = await MillraceServer.start({ databaseName, environment: { LOG_LEVEL: 'debug' } });
    database = await mongoose
      .createConnection(testServices().mongodbUri, { dbName: databaseName })
      .asPromise();
  });
  afterAll(async () => {
    await database?.close();
    await server?.stop();
  });

  const all = (collection: string): Promise<Stored[]> =>
    database.collection<Stored>(collection).find().toArray();
  const keyring = async (): Promise<Keyring> => {
    const keys = parseEncryptionKeys(await readFile(join(server.home, 'encryption-keys'), 'utf8'));
    if ('problem' in keys) throw new Error(keys.problem);
    return new Keyring(keys.value);
  };
  /** Everything in the database as text. */
  async function text(): Promise<string> {
    const names = (await database.listCollections()).map(({ name }) => name);
    return JSON.stringify(await Promise.all(names.map(all)));
  }
  /** The keys by which everything is sealed; `clear` for what is not. */
  async function keyIds(): Promise<string[]> {
    const ids = new Set<string>();
    for (const [collection, field] of SEALED) {
      for (const document of await all(collection)) {
        const value = document[field];
        ids.add((typeof value === 'string' ? keyOf(value) : undefined) ?? 'clear');
      }
    }
    return [...ids].sort();
  }
  const hasEnded = (): true | undefined =>
    server.api?.child.exitCode !== null || server.api.child.signalCode !== null || undefined;
  async function restart(extra: Readonly<Record<string, string>> = {}): Promise<void> {
    await server.api?.end('SIGKILL');
    await server.startApi(extra);
  }

  let pipelineId: string;
  let executionId: string;

  it('hides the YAML, plans, and what triggers gave', async () => {
    pipelineId = await server.createPipeline(YAML);
    executionId = await server.trigger(pipelineId, TRIGGER);
    expect(await server.finished(executionId)).toMatchObject({ status: 'success' });
    await server.call('PUT', '/api/secrets/A_KEY', { value: 'value-of-a-secret' });
    expect(await text()).toContain(executionId);
    expect(await text()).not.toContain(NEEDLE);
    expect(await keyIds()).toEqual([(await keyring()).primary.id]);
    await stillThere();
  });

  /** It is all read, and the pipeline runs; `rerun` needs what its trigger gave. */
  async function stillThere(): Promise<void> {
    const pipeline = await server.call<{ yaml_content: string; environment: object }>(
      'GET',
      `/api/ci/pipelines/${pipelineId}`,
    );
    expect(pipeline).toMatchObject({ yaml_content: YAML, environment: { PASSWORD: NEEDLE } });
    const again = await server.call<{ execution_id: string }>(
      'POST',
      `/api/ci/executions/${executionId}/rerun`,
      {},
    );
    expect(await server.finished(again.execution_id)).toMatchObject({
      status: 'success',
      ...TRIGGER,
    });
  }

  it('seals what older versions have stored in clear, also when it is killed half-way', async () => {
    await server.api?.end('SIGKILL');
    await makeOld(await keyring());
    expect((await text()).split(NEEDLE).length).toBeGreaterThan(10);
    await server.startApi({ FAIL_POINT: 'half_resealed' });
    // They are read in both forms, until it is killed.
    await eventually(hasEnded);
    const half = await keyIds();
    expect(half).toHaveLength(2);
    expect(half).toContain('clear');
    await restart();
    await stillThere();
    await eventually(async () => (await keyIds()).length === 1 || undefined);
    expect(await text()).not.toContain(NEEDLE);
    await stillThere();
  });

  it('is by a new key after a rotation, also when it is killed half-way; the old one can be dropped', async () => {
    // Repositories have two sealed texts of their own.
    const body = { url: 'https://gitlab.test/acme/shop', forge: 'gitlab', remote_id: '7' };
    const { id: repositoryId, paste } = await server.call<{
      id: string;
      paste: { secret: string };
    }>('POST', '/api/repositories', body);
    const [worker] = server.workers;
    const old = (await keyring()).primary.id;
    await restart({ FAIL_POINT: 'half_resealed' });
    const rotated = await server.call<Keys>('POST', '/api/encryption-keys');
    const fresh = rotated.keys[0]?.id ?? '';
    expect(rotated).toEqual({
      keys: [
        { id: fresh, is_primary: true },
        { id: old, is_primary: false },
      ],
      is_resealing: true,
    });
    await eventually(hasEnded);
    expect(await keyIds()).toEqual([fresh, old].sort());
    await restart();
    // The worker has run all the time, and learns of the key as it meets it.
    await stillThere();
    expect(worker?.child.exitCode).toBeNull();
    const refused = await server.fetch('DELETE', `/api/encryption-keys/${fresh}`);
    expect(refused.status).toBe(409);
    await eventually(async () => {
      const answer = await server.fetch('DELETE', `/api/encryption-keys/${old}`);
      expect([204, 409]).toContain(answer.status);
      // What is in use is never dropped.
      if (answer.status === 409) return undefined;
      expect(await keyIds()).toEqual([fresh]);
      return true;
    });
    // That nothing is left to seal is noted by a round of its own, after the last document.
    const sealed = await eventually(async () => {
      const keys = await server.call<Keys>('GET', '/api/encryption-keys');
      return keys.is_resealing ? undefined : keys;
    });
    expect(sealed).toEqual({ keys: [{ id: fresh, is_primary: true }], is_resealing: false });
    expect(await readFile(join(server.home, 'encryption-keys'), 'utf8')).not.toContain(old);
    // Nothing needs it: neither a process that runs nor one that starts with the new one alone.
    await stillThere();
    await restart();
    await stillThere();
    expect(await webhookSecret(repositoryId)).toBe(paste.secret);
  });

  async function webhookSecret(id: string): Promise<string> {
    const repository = (await all('repositories')).find(({ _id }) => _id === id);
    const { secret } = repository?.['webhook'] as { secret: string };
    return (await keyring()).open(secret, `repository:${id}:webhook`);
  }

  const cli = (...args: string[]): Promise<Outcome> =>
    new CommandLine(server.home, {
      MILLRACE_URL: server.baseUrl,
      MILLRACE_TOKEN: server.token,
    }).run(args);

  it('waits for its end on the command line, and says what can be dropped', async () => {
    const [before] = (await keyring()).ids;
    const { stdout, stderr, code } = await cli('secrets', 'rotate-key');
    const [now] = (await keyring()).ids;
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `The new key ${now} encrypts from now on.\nAll that is stored is encrypted by it.\n`,
    });
    expect(stderr).toContain(`./millrace secrets drop-key ${before}`);
    expect((await cli('secrets', 'keys')).stdout).toContain(`${now}`);
  });

  it('keeps a worker from running that has other keys, and says which is missing', async () => {
    const [first] = (await keyring()).ids;
    const other = { ENCRYPTION_KEYS: `other:${randomBytes(32).toString('base64')}` };
    // Where the database is slow it ends just after its start.
    const ended = server.startWorker(other).then(async (worker) => {
      await eventually(() => worker.isOver() || undefined);
      expect(worker.child.exitCode).toBe(1);
      throw new Error(worker.output());
    });
    await expect(ended).rejects.toThrow(`ENCRYPTION_KEYS lacks the key`);
    await expect(ended).rejects.toThrow(first);
  });

  /** Writes everything as versions before this one did, and more executions of it. */
  async function makeOld(ring: Keyring): Promise<void> {
    for (const [collection, field] of SEALED.filter(([name]) => name !== 'secrets')) {
      for (const document of await all(collection)) {
        const { _id } = document;
        const json = openJson(ring, String(document[field]), `${collection}:${_id}:${field}`);
        const fields = collection === 'plans' ? { plan: json } : (JSON.parse(json) as object);
        const clear = without({ ...document, ...fields }, 'sealed');
        await database.collection<Stored>(collection).replaceOne({ _id }, clear);
        if (collection !== 'executions') continue;
        const copy = without(clear, 'number_key');
        await database
          .collection<Stored>(collection)
          .insertMany(Array.from({ length: 30 }, (_, n) => ({ ...copy, _id: `${_id}${n}` })));
      }
    }
    await database.collection<Stored>('encryption').deleteMany({});
  }
});

function without(document: Stored, field: string): Stored {
  return Object.fromEntries(
    Object.entries(document).filter(([name]) => name !== field),
  ) as unknown as Stored;
}
