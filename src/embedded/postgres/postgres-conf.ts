/**
 * `durable` keeps every acknowledged write through a crash; `throwaway` is for tests and keeps
 * nothing.
 */
export type Durability = 'durable' | 'throwaway';

/**
 * Text of postgresql.conf: unix sockets in `socketFolder` only, the extension loaded, sized for a
 * small machine.
 *
 * `synchronous_commit` stays on for `durable`: off, a mere kill of the server lost acknowledged
 * writes (ADR 0005). `log_min_error_statement` keeps statements, and so users' data, out of the
 * log.
 */
export function postgresConf(socketFolder: string, durability: Durability): string {
  const settings: readonly (readonly [string, string])[] = [
    ['listen_addresses', ''],
    ['unix_socket_directories', socketFolder],
    ['unix_socket_permissions', '0700'],
    ['port', '5432'],
    ['max_connections', '50'],
    ['shared_buffers', '64MB'],
    // Reserved at start: systemd removes a user's later segments when the user logs out
    // (RemoveIPC).
    ['min_dynamic_shared_memory', '32MB'],
    ['max_parallel_workers_per_gather', '0'],
    ['io_method', 'sync'],
    ['jit', 'off'],
    ['max_wal_size', '512MB'],
    ['checkpoint_timeout', '15min'],
    ['wal_compression', 'on'],
    ['autovacuum_naptime', '5s'],
    ['autovacuum_vacuum_scale_factor', '0.02'],
    ['autovacuum_analyze_scale_factor', '0.05'],
    ['autovacuum_vacuum_cost_delay', '0'],
    ['deadlock_timeout', '100ms'],
    ['timezone', 'GMT'],
    ['log_timezone', 'GMT'],
    ['log_checkpoints', 'off'],
    ['log_min_error_statement', 'panic'],
    [
      'shared_preload_libraries',
      'pg_cron,pg_documentdb_core,pg_documentdb,pg_documentdb_extended_rum',
    ],
    // Indexes that give what they find in their order, also for one of several values (ADR 0014).
    ['documentdb.alternate_index_handler_name', 'extended_rum'],
    ['documentdb.enable_merge_sort_for_in_prefix', 'on'],
    ['cron.database_name', 'postgres'],
    ['cron.host', socketFolder],
    ['cron.log_run', 'off'],
    ['cron.log_statement', 'off'],
    [
      'documentdb.localhost_connection_string',
      `host=${conninfoValue(socketFolder)} port=5432 user=postgres dbname=postgres`,
    ],
    ['documentdb_core.enableCollation', 'on'],
    ...(durability === 'durable' ? DURABLE : THROWAWAY),
  ];
  return settings.map(([name, value]) => `${name} = ${confValue(value)}\n`).join('');
}

const DURABLE = [
  ['fsync', 'on'],
  ['synchronous_commit', 'on'],
  ['full_page_writes', 'on'],
] as const;

const THROWAWAY = [
  ['fsync', 'off'],
  ['synchronous_commit', 'off'],
  ['full_page_writes', 'off'],
] as const;

/** Quotes a value of postgresql.conf. */
function confValue(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** Quotes a value of a libpq connection string. */
function conninfoValue(value: string): string {
  return /^[\w./-]+$/.test(value) ? value : `'${value.replace(/['\\]/g, '\\$&')}'`;
}
