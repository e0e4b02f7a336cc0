import { randomUUID } from 'node:crypto';
import { testServices } from '../../../test/support/services.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import { testKeyring } from '../encryption/keyring.fixture.js';
import { keyOf, type Keyring } from '../encryption/keyring.js';
import { clearFields, SealedPlaces, type StoredDocument } from '../encryption/sealed-places.js';
import { SealedDocumentsRepository } from './sealed-documents.repository.js';
import { Resealer } from './resealer.js';

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 5 });
const name = `sealed-${randomUUID()}`;
const context = (id: string): string => `${name}:${id}`;
const old = testKeyring('old');
const both = testKeyring('new', 'old');
const COUNT = 50;
const always = (): boolean => true;

beforeAll(() => database.open());
afterAll(async () => {
  await database.connection.collection(name).drop();
  await database.close();
});

describe('Resealer', () => {
  const collection = () => database.connection.collection<StoredDocument>(name);
  const resealer = (keyring: Keyring): Resealer => {
    const places = new SealedPlaces();
    const seal = (ring: Keyring, { _id, a, b }: StoredDocument): string =>
      ring.seal(JSON.stringify({ a, b }), context(_id));
    places.register({
      collection: name,
      texts: [
        { path: 'sealed', context },
        { path: 'deep.text', context },
      ],
      clear: clearFields(['a', 'b'], seal, ['version']),
    });
    const documents = new SealedDocumentsRepository(database.connection);
    return new Resealer(places, documents, keyring);
  };
  const idOf = (n: number): string => `d${String(n).padStart(3, '0')}`;
  const all = (): Promise<StoredDocument[]> => collection().find().sort({ _id: 1 }).toArray();
  const keyIds = async (): Promise<(string | undefined)[]> =>
    (await all()).map(({ sealed }) => (typeof sealed === 'string' ? keyOf(sealed) : undefined));

  beforeEach(async () => {
    await collection().deleteMany({});
    await collection().insertMany(
      Array.from({ length: COUNT }, (_, n) => {
        const _id = idOf(n);
        // The odd ones are of a version that stored them in clear.
        if (n % 2 === 1) return { _id, a: `a${n}`, b: n, other: true };
        const deep = { text: old.seal(`deep ${n}`, context(_id)) };
        return { _id, sealed: old.seal(`text ${n}`, context(_id)), deep, other: true };
      }),
    );
  });

  it('seals by the first key what is in clear, and what another key has sealed', async () => {
    expect(await resealer(both).reseal(always)).toEqual({
      changed: COUNT,
      unreadable: 0,
      finished: true,
    });
    const fresh = testKeyring('new');
    for (const [n, document] of (await all()).entries()) {
      const { _id, sealed, deep } = document;
      const text = fresh.open(String(sealed), context(_id));
      expect(text).toBe(n % 2 === 1 ? JSON.stringify({ a: `a${n}`, b: n }) : `text ${n}`);
      if (n % 2 === 0) {
        const inside = (deep as { text: string }).text;
        expect(fresh.open(inside, context(_id))).toBe(`deep ${n}`);
      }
      expect(document).toMatchObject({ other: true });
      expect(document).not.toHaveProperty('a');
    }
    expect(await resealer(both).uses()).toEqual(new Map([['new', COUNT]]));
    // And there is nothing more to do.
    expect(await resealer(both).reseal(always)).toMatchObject({ changed: 0, finished: true });
  });

  it('continues where it was stopped', async () => {
    let left = 20;
    const stopped = await resealer(both).reseal(() => left-- > 0);
    expect(stopped).toEqual({ changed: 20, unreadable: 0, finished: false });
    expect((await keyIds()).filter((id) => id === 'new')).toHaveLength(20);
    expect(await resealer(both).reseal(always)).toMatchObject({ changed: COUNT - 20 });
  });

  it('overwrites nothing that was changed while it looked', async () => {
    const target = idOf(1);
    const sealed = both.seal('newer', context(target));
    let seen = 0;
    await resealer(both).reseal(async () => {
      // The first document of the batch is in its hands, the second was read before this.
      if (++seen === 2) await collection().updateOne({ _id: target }, { $set: { sealed } });
      return true;
    });
    expect(await collection().findOne({ _id: target })).toMatchObject({ sealed });
    const text = idOf(0);
    await collection().updateOne({ _id: text }, { $set: { sealed: old.seal('x', context(text)) } });
    const other = old.seal('y', context(text));
    await resealer(both).reseal(async () => {
      await collection().updateOne({ _id: text }, { $set: { sealed: other } });
      return true;
    });
    expect(await collection().findOne({ _id: text })).toMatchObject({ sealed: other });
  });

  it('leaves what it cannot open as it is, counts it, and continues', async () => {
    const result = await resealer(testKeyring('new')).reseal(always);
    expect(result).toEqual({ changed: COUNT / 2, unreadable: COUNT / 2, finished: true });
    expect(await resealer(both).uses()).toEqual(
      new Map([
        ['old', COUNT / 2],
        ['new', COUNT / 2],
      ]),
    );
  });
});
