import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';

interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly hostname?: string;
  readonly network_mode?: string;
  readonly pid?: string;
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly env_file?: unknown;
}

/** What `docker.e2e` runs, where there is a Docker Engine; this holds the reasons of the file. */
describe('docker-compose.yml', () => {
  const text = readFileSync(resolve(__dirname, '../../docker-compose.yml'), 'utf8');
  const file = parse(text, { merge: true }) as {
    readonly services: Readonly<Record<'api' | 'services' | 'worker', ComposeService>>;
    readonly volumes: Readonly<Record<string, unknown>>;
  };
  const { api, services, worker } = file.services;

  it('has programs and their proxy in a container that is no worker', () => {
    expect(services.command).toEqual(['services', 'keep']);
    expect(services.image).toBe(worker.image);
    expect(services.restart).toBe('unless-stopped');
    expect(services.ports).toHaveLength(1);
    expect(worker.environment?.['SERVICES_APART']).toBe('true');
  });

  it('lets workers see the ports and the processes of the programs, as workers of one host do', () => {
    expect(worker.network_mode).toBe('service:services');
    expect(worker.pid).toBe('service:services');
    // Docker refuses both beside the network of another container.
    expect([worker.networks, worker.hostname, worker.ports]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('gives the host a name that a new container has too', () => {
    expect(services.hostname).toMatch(/^\$\{\w+:-[a-z]+\}$/);
  });

  it('keeps what is deployed in a volume with a name, which the API does not see', () => {
    expect(services.volumes).toEqual(['data:/data']);
    expect(worker.volumes).toEqual(services.volumes);
    expect(Object.keys(file.volumes)).toContain('data');
    expect(api.volumes).toBeUndefined();
  });

  it('gives the programs and the proxy the time that they have, and none of the secrets', () => {
    // The proxy at most 15 s; then TERM, 10 s, KILL where a program says nothing else.
    expect(Number.parseInt(services.stop_grace_period ?? '', 10)).toBeGreaterThan(25);
    expect(services.env_file).toEqual([]);
    expect(Object.keys(services.environment ?? {}).sort()).toEqual([
      ...['DEBIAN_MIRROR', 'GONOSUMDB', 'GOPROXY', 'GOSUMDB', 'HTTPS_PROXY', 'HTTP_PROXY'],
      ...['NO_PROXY', 'SSL_CERT_DIR', 'SSL_CERT_FILE'],
    ]);
  });
});
