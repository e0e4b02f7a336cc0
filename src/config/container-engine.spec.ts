import { engineElsewhere } from './container-engine.js';

describe('engineElsewhere', () => {
  it.each([
    undefined,
    'unix:///var/run/docker.sock',
    'tcp://127.0.0.1:2375',
    'tcp://127.0.0.5:2375',
    'tcp://localhost:2375',
    'tcp://[::1]:2375',
    'http://127.0.0.1:2375',
  ])('%s is on this machine', (host) => {
    expect(engineElsewhere(host)).toBeUndefined();
  });

  it.each([
    'tcp://10.0.0.5:2375',
    'tcp://docker.example:2376',
    'tcp://127.0.0.1.example:2375',
    'https://[fd00::5]:2376',
  ])('%s is on another one', (host) => {
    expect(engineElsewhere(host)).toBe(host);
  });
});
