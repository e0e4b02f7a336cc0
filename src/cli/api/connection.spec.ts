import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tokenFile } from '../../auth/tokens/token-file.js';
import { addressFile, type ClientEnvironment } from '../../config/client-environment.js';
import { resolveConnection } from './connection.js';
import { LoginStore } from './login-store.js';
import { parseServerUrl } from './server-url.js';

const LOCAL_TOKEN = 'the-token-of-the-local-server';

describe('connection', () => {
  let folder: string;
  let store: LoginStore;
  let environment: ClientEnvironment;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-connection-'));
    store = new LoginStore(join(folder, 'config', 'millrace'));
    const home = join(folder, 'home');
    environment = {
      url: undefined,
      token: undefined,
      home,
      port: '8000',
      configFolder: join(folder, 'config', 'millrace'),
    };
    mkdirSync(home);
    writeFileSync(tokenFile(home), LOCAL_TOKEN, { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is the server of this machine when nothing is said, where it says that it listens', () => {
    expect(resolveConnection({}, environment, store)).toMatchObject({
      url: 'http://127.0.0.1:8000',
      token: LOCAL_TOKEN,
    });
    writeFileSync(addressFile(environment.home), 'http://127.0.0.1:9123\n');
    expect(resolveConnection({}, environment, store)).toMatchObject({
      url: 'http://127.0.0.1:9123',
      urlSource: 'local',
      token: LOCAL_TOKEN,
    });
    // Another name of the same server.
    const server = 'http://localhost:9123';
    expect(resolveConnection({ server }, environment, store).token).toBe(LOCAL_TOKEN);
  });

  it('goes flag, environment, log-in, this machine', () => {
    store.add('https://stored.example', { token: 'stored' });
    expect(resolveConnection({}, environment, store)).toMatchObject({
      url: 'https://stored.example',
      token: 'stored',
      tokenSource: 'the stored log-in',
    });
    const set = { ...environment, url: 'https://env.example', token: 'from-env' };
    expect(resolveConnection({}, set, store)).toMatchObject({
      url: 'https://env.example',
      token: 'from-env',
    });
    expect(resolveConnection({ server: 'flag.example', token: 'flag' }, set, store)).toMatchObject({
      url: 'https://flag.example',
      token: 'flag',
    });
  });

  it('sends a stored token to its own server only', () => {
    store.add('https://one.example', { token: 'one' });
    store.add('https://two.example', { token: 'two' });
    const tokenFor = (server: string): string | undefined =>
      resolveConnection({ server }, environment, store).token;
    expect(tokenFor('https://one.example/')).toBe('one');
    expect(tokenFor('https://two.example')).toBe('two');
    expect(tokenFor('https://three.example')).toBeUndefined();
    expect(tokenFor('https://one.example:444')).toBeUndefined();
    expect(tokenFor('http://127.0.0.1:8001')).toBeUndefined();
  });

  it('sends no token readably to another host without consent', () => {
    const server = 'http://ci.example:8000';
    const connect = (insecure?: boolean): unknown =>
      resolveConnection({ server, token: 'x', insecure }, environment, store);
    expect(() => connect()).toThrow('over plain HTTP everybody on the way can read it');
    expect(connect(true)).toMatchObject({ token: 'x' });
    // Nothing to protect.
    expect(resolveConnection({ server }, environment, store).token).toBeUndefined();
    store.add(server, { token: 'stored', insecure: true });
    expect(resolveConnection({ server }, environment, store).token).toBe('stored');
  });

  it('keeps log-ins for this user only, and closes what is open', () => {
    store.add('https://one.example', { token: 'one' });
    expect(statSync(store.file).mode & 0o777).toBe(0o600);
    expect(statSync(environment.configFolder).mode & 0o777).toBe(0o700);
    expect(readdirSync(environment.configFolder)).toEqual(['logins.json']);
    chmodSync(store.file, 0o644);
    chmodSync(environment.configFolder, 0o755);
    store.add('https://two.example', { token: 'two' });
    expect(statSync(store.file).mode & 0o777).toBe(0o600);
    expect(statSync(environment.configFolder).mode & 0o777).toBe(0o700);
  });

  it('forgets, and falls back to what is left', () => {
    store.add('https://one.example', { token: 'one' });
    store.add('https://two.example', { token: 'two' });
    expect(store.remove('https://three.example')).toBe(false);
    expect(store.remove('https://two.example')).toBe(true);
    expect(store.read().current).toBe('https://one.example');
    expect(store.remove('https://one.example')).toBe(true);
    expect(store.read()).toEqual({ current: undefined, servers: {} });
  });

  it.each(['{', '[]', '{"servers":{"x":{}}}', '{"current":1,"servers":{}}'])(
    'says what to do about a broken file: %s',
    (text) => {
      mkdirSync(environment.configFolder, { recursive: true });
      writeFileSync(store.file, text);
      expect(() => store.read()).toThrow('holds no log-ins');
    },
  );
});

describe('parseServerUrl', () => {
  it.each([
    ['https://ci.example.com/', 'https://ci.example.com'],
    ['HTTPS://CI.example.com/build//', 'https://ci.example.com/build'],
    ['ci.example.com', 'https://ci.example.com'],
    ['ci.example.com:8443', 'https://ci.example.com:8443'],
    ['localhost:8000', 'http://localhost:8000'],
    ['127.0.0.1:8000', 'http://127.0.0.1:8000'],
    ['[::1]:8000', 'http://[::1]:8000'],
    [' http://10.0.0.1:8000 \n', 'http://10.0.0.1:8000'],
  ])('%j is %s', (text, url) => {
    expect(parseServerUrl(text)).toBe(url);
  });

  it.each(['', 'ftp://x', 'http://', 'https://u:p@x', 'https://x?y', 'https://x#y', 'a b'])(
    'refuses %j',
    (text) => {
      expect(() => parseServerUrl(text)).toThrow();
    },
  );

  it.each([
    'http://us3r:s3c/ret@host',
    'http://us3r:s3c?r#et@host',
    'http://us3r:1/s3cret@host',
    'us3r:s3c/ret@host',
    'us3r:s3@cret@host:x',
    '//us3r:s3cret@host',
    'http:us3r:s3cret@host',
    'ftp://us3r:s3c\nret@host',
  ])('never says the log-in of %j', (text) => {
    expect(() => parseServerUrl(text)).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/us3r|s3|ret/) }),
    );
  });
});
