import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoginStore } from '../api/login-store.js';
import { commandHere } from './command-here.js';

const here = { url: 'http://127.0.0.1:8000', home: '/var/lib/millrace' };
const environment = {
  url: undefined,
  token: undefined,
  home: here.home,
  port: '8000',
  configFolder: '',
};

describe('a command for the server that was started here', () => {
  let folder: string;
  let store: LoginStore;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-here-'));
    store = new LoginStore(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('names no server where it is the one of this user', () => {
    expect(commandHere('status last', here, environment, store)).toBe('./millrace status last');
  });

  it('names the data folder that the shell does not know', () => {
    const elsewhere = { ...here, home: "/srv/it's here" };
    expect(commandHere('status last', elsewhere, environment, store)).toBe(
      `MILLRACE_HOME='/srv/it'\\''s here' ./millrace status last`,
    );
  });

  it('names the server where commands would ask another', () => {
    const named = './millrace status last --server http://127.0.0.1:8000';
    const withUrl = { ...environment, url: 'https://ci.example.com' };
    expect(commandHere('status last', here, withUrl, store)).toBe(named);
    store.add('https://ci.example.com', { token: 't' });
    expect(commandHere('status last', here, environment, store)).toBe(named);
    writeFileSync(store.file, 'broken');
    expect(commandHere('status last', here, environment, store)).toBe(named);
  });
});
