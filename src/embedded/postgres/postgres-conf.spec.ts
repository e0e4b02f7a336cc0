import { postgresConf } from './postgres-conf.js';

describe('postgresConf', () => {
  it('listens on the socket folder only', () => {
    const conf = postgresConf('/run/m', 'durable');
    expect(conf).toContain("listen_addresses = ''\n");
    expect(conf).toContain("unix_socket_directories = '/run/m'\n");
    expect(conf).toContain("cron.host = '/run/m'\n");
    expect(conf).toContain('host=/run/m port=5432');
  });

  it('never gives up an acknowledged write when durable', () => {
    const conf = postgresConf('/run/m', 'durable');
    for (const name of ['fsync', 'synchronous_commit', 'full_page_writes']) {
      expect(conf).toContain(`${name} = 'on'\n`);
      expect(postgresConf('/run/m', 'throwaway')).toContain(`${name} = 'off'\n`);
    }
  });

  it('sets each name once', () => {
    const names = postgresConf('/run/m', 'throwaway')
      .trim()
      .split('\n')
      .map((line) => line.split(' = ')[0]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('quotes folders with quotes and blanks', () => {
    const conf = postgresConf("/it's here", 'durable');
    expect(conf).toContain("unix_socket_directories = '/it''s here'\n");
    expect(conf).toContain("host=''/it\\\\''s here'' port=5432");
  });
});
