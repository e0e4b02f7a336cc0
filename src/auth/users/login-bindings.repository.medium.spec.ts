import mongoose from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import { AccessLists, type Memberships } from './access-lists.js';
import {
  LOGIN_BINDING_MODEL,
  type LoginBindingDocument,
  loginBindingSchema,
} from './login-binding.schema.js';
import { LoginBindings } from './login-bindings.repository.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const bindings = new LoginBindings(
  connection.model<LoginBindingDocument>(LOGIN_BINDING_MODEL, loginBindingSchema),
);
const IDS = ['1', '2', '3', '4'];

beforeAll(async () => {
  await connection.asPromise();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describe('LoginBindings', () => {
  it('gives a name to one of those who ask at once, and tells all of them who it is', async () => {
    const answers = await Promise.all(IDS.map((id) => bindings.bind('a name', id)));
    const holder = await bindings.holder('a name');
    expect(IDS).toContain(holder);
    expect(answers).toEqual(IDS.map(() => holder));
    expect(await bindings.bind('a name', '5')).toBe(holder);
  });

  it('knows no holder of a name that nobody had', async () => {
    expect(await bindings.holder('another name')).toBeUndefined();
  });

  it('makes one of those an administrator who log in at once under the first name', async () => {
    const none = { allowedLogins: [], allowedOrganizations: [], allowedTeams: [] };
    let asking = 0;
    let allHaveAsked: () => void;
    const asked = new Promise<void>((resolve) => {
      allHaveAsked = resolve;
    });
    // Each of them sees that the name has no holder before any of them takes it.
    const holder = async (key: string): Promise<string | undefined> => {
      const found = await bindings.holder(key);
      asking += 1;
      if (asking === IDS.length) allHaveAsked();
      await asked;
      return found;
    };
    const bind = (key: string, id: string): Promise<string> => bindings.bind(key, id);
    const lists = new AccessLists({ ...none, adminLogins: ['ada'] }, { holder, bind });
    const memberships: Memberships = {
      organizations: async () => [],
      teams: async () => [],
      isActiveInTeam: async () => false,
    };
    const verdicts = await Promise.all(
      IDS.map((id) => lists.judge('github', 'host', { id, login: 'ada', name: null }, memberships)),
    );
    expect(verdicts.sort()).toEqual(['admin', 'refused', 'refused', 'refused']);
  });
});
