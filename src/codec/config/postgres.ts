import { asText } from '../../model/scalars.ts';
import type { LocalSettings, PostgresSettings } from '../../model/settings.ts';
import { integer, truth } from './dynamic.ts';
import { readOptions } from './local.ts';
import { readReplicaMethods } from './replicaMethods.ts';

type Json = Readonly<Record<string, unknown>>;
const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const texts = (value: unknown): readonly string[] | null => (Array.isArray(value) ? value.map(asText) : null);
const text = (value: unknown): string | null => (value === undefined || value === null ? null : asText(value));

/** What must match across nodes: from the cluster alone, with its default and what is accepted; the order is the command line's. */
const controlled: readonly {
  readonly name: string;
  readonly preset: string;
  readonly accepts: (value: string) => boolean;
  readonly onCommandLine: boolean;
}[] = [
  {
    name: 'wal_level',
    preset: 'replica',
    accepts: (v) => ['hot_standby', 'replica', 'logical'].includes(v),
    onCommandLine: true,
  },
  { name: 'hot_standby', preset: 'on', accepts: (v) => truth(v) === true, onCommandLine: true },
  atLeast('max_connections', '100', 25),
  atLeast('max_wal_senders', '10', 3),
  atLeast('max_prepared_transactions', '0', 0),
  atLeast('max_locks_per_transaction', '64', 32),
  { name: 'track_commit_timestamp', preset: 'off', accepts: (v) => truth(v) !== null, onCommandLine: true },
  atLeast('max_replication_slots', '10', 4),
  atLeast('max_worker_processes', '8', 2),
  { name: 'wal_log_hints', preset: 'on', accepts: (v) => truth(v) !== null, onCommandLine: true },
  { name: 'wal_keep_size', preset: '128MB', accepts: (v) => (megabytes(v) ?? 0) >= 16, onCommandLine: false },
];

function atLeast(name: string, preset: string, least: number) {
  return { name, preset, accepts: (value: string) => (integer(value) ?? -1) >= least, onCommandLine: true };
}

/** PostgreSQL's own size: without a unit it counts megabytes here. */
function megabytes(text: string): number | null {
  const match = /^(\d+)\s*(kB|MB|GB|TB)?$/.exec(text);
  const factor = { kB: 1 / 1024, MB: 1, GB: 1024, TB: 1024 ** 2 }[match?.[2] ?? 'MB'];
  return match === null || factor === undefined ? null : Number(match[1]) * factor;
}

/** Never from parameters: the agent derives them. `wal_keep_segments` became `wal_keep_size` in PostgreSQL 13. */
const fixed = new Set(['listen_addresses', 'port', 'cluster_name', 'wal_keep_segments']);
/** No settings, though they look like ones: words that PostgreSQL reads files by, and where it looks for its own. */
const isForPlaces = (name: string): boolean => /^(include(_if_exists|_dir)?|data_directory|config_file)$/.test(name);
/** Where a standby streams from and how far it recovers is the agent's business alone: a line of these would undo a failover. */
const isForAgent = (name: string): boolean =>
  name === 'primary_conninfo' || name === 'primary_slot_name' || name.startsWith('recovery_target');
const recoveryNames = new Set([
  'restore_command',
  'archive_cleanup_command',
  'recovery_end_command',
  'recovery_min_apply_delay',
]);

/** Everything about PostgreSQL: built-in, under the cluster's `postgresql` section, under this node's. */
export function readPostgresSettings(
  local: LocalSettings,
  dynamic: unknown,
): { postgres: PostgresSettings; warnings: readonly string[] } {
  const warnings: string[] = [];
  const cluster = isMap(dynamic) ? dynamic : {};
  const own = local.postgres.section;
  const section = (name: string): unknown => own[name] ?? cluster[name];
  const shared = withKeepSize(lowerCased(cluster.parameters));
  const mine = lowerCased(own.parameters);
  const parameters: Record<string, string> = { wal_retrieve_retry_interval: '500ms' };
  const commandLine: [string, string][] = [];
  const put = (name: string, value: string, onCommandLine: boolean): void => {
    parameters[name] = value;
    if (onCommandLine) commandLine.push([name, value]);
  };
  put('listen_addresses', local.postgres.listenAddresses, true);
  put('port', String(local.postgres.port), true);
  put('cluster_name', local.scope, true);
  for (const { name, preset, accepts, onCommandLine } of controlled) {
    const given = shared[name];
    if (given !== undefined && !accepts(given))
      warnings.push(`postgresql.parameters.${name}: ${JSON.stringify(given)} is not accepted; ${preset} is used`);
    if (mine[name] !== undefined && mine[name] !== given)
      warnings.push(
        `postgresql.parameters.${name}: set in this node's file, where it does nothing: it comes from the cluster's configuration (edit-config)`,
      );
    put(
      name,
      given !== undefined && accepts(given) ? (given === 'hot_standby' ? 'replica' : given) : preset,
      onCommandLine,
    );
  }
  const isControlled = (name: string): boolean => fixed.has(name) || controlled.some((one) => one.name === name);
  const recovery: Record<string, string> = { ...lowerCased(cluster.recovery_conf), ...lowerCased(own.recovery_conf) };
  for (const [name, value] of Object.entries({ ...shared, ...mine })) {
    if (value.includes('\0')) warnings.push(`postgresql.parameters.${name}: holds a zero byte; ignored`);
    else if (recoveryNames.has(name)) recovery[name] = value;
    else if (isForPlaces(name))
      warnings.push(
        `postgresql.parameters.${name}: files are named by the agent alone (custom_conf is for yours); ignored`,
      );
    else if (isForAgent(name)) warnings.push(`postgresql.parameters.${name}: set by the agent alone; ignored`);
    else if (!isControlled(name) && /^[a-z_][a-z0-9_.]*$/.test(name)) parameters[name] = value;
    else if (!isControlled(name)) warnings.push(`postgresql.parameters.${name}: no name of a setting; ignored`);
  }
  for (const name of Object.keys(recovery)) if (!recoveryNames.has(name)) delete recovery[name];
  const replica = readReplicaMethods(section);
  warnings.push(...replica.warnings);
  return {
    warnings,
    postgres: Object.freeze({
      parameters,
      commandLine,
      recovery,
      pgHba: texts(section('pg_hba')),
      pgIdent: texts(section('pg_ident')),
      usePgRewind: truth(section('use_pg_rewind')) === true,
      useSlots: truth(cluster.use_slots) !== false,
      useUnixSocket: truth(section('use_unix_socket')) === true,
      removeDataDirectoryOnRewindFailure: truth(section('remove_data_directory_on_rewind_failure')) === true,
      removeDataDirectoryOnDivergedTimelines: truth(section('remove_data_directory_on_diverged_timelines')) === true,
      startTimeoutMs: (integer(section('pg_ctl_timeout')) ?? 60) * 1000,
      basebackup: readOptions(section('basebackup')),
      replicaMethods: replica.methods,
      callbacks: readCallbacks(section('callbacks')),
      prePromote: text(section('pre_promote')),
      beforeStop: text(section('before_stop')),
      customConf: text(section('custom_conf')),
    }),
  };
}

/** 16 MB a segment, unless the size is given too. */
function withKeepSize(parameters: Record<string, string>): Record<string, string> {
  const segments = integer(parameters.wal_keep_segments);
  return segments === null ? parameters : { wal_keep_size: `${segments * 16}MB`, ...parameters };
}

/** GUC names are case-insensitive; booleans become PostgreSQL's words. */
function lowerCased(value: unknown): Record<string, string> {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== null)
      .map(([name, one]) => [name.toLowerCase(), one === true ? 'on' : one === false ? 'off' : asText(one)]),
  );
}

function readCallbacks(value: unknown): PostgresSettings['callbacks'] {
  if (!isMap(value)) return {};
  const read: Record<string, string> = {};
  for (const name of ['on_start', 'on_stop', 'on_restart', 'on_reload', 'on_role_change'] as const)
    if (typeof value[name] === 'string') read[name] = value[name];
  return read;
}
