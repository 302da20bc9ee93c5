import type { Statement } from '../../model/world.ts';

/** The sessions that find out whether this server does its work. */
export const trialName = 'Matriarch health';

/**
 * One row that tells all of a running server. Whole rows as JSON, so that columns which differ between versions of
 * PostgreSQL are a matter of reading, not of asking.
 */
export const probe: Statement = {
  name: 'probe',
  text: `SELECT pg_catalog.pg_is_in_recovery() AS in_recovery,
  pg_catalog.pg_postmaster_start_time() AS started,
  (pg_catalog.extract('epoch', pg_catalog.pg_postmaster_start_time()) * 1000)::bigint AS started_ms,
  pg_catalog.current_setting('server_version_num') AS version,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()) END AS walfile,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.pg_current_wal_flush_lsn() END AS flush_lsn,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn() END AS receive_lsn,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() END AS replay_lsn,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_xact_replay_timestamp() END AS replayed_at,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_is_wal_replay_paused() END AS paused,
  (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()) AS control_timeline,
  (SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery()) AS recovery_timeline,
  (SELECT pg_catalog.to_json(r) FROM pg_catalog.pg_stat_wal_receiver r) AS receiver,
  EXISTS (SELECT 1 FROM pg_catalog.pg_stat_activity WHERE backend_type = 'walreceiver') AS receiving,
  pg_catalog.current_setting('synchronous_standby_names') AS synchronous_names,
  (SELECT wait_event FROM pg_catalog.pg_stat_activity WHERE backend_type = 'checkpointer') AS checkpointer,
  (SELECT wait_event FROM pg_catalog.pg_stat_activity WHERE backend_type = 'startup') AS startup,
  (SELECT (pg_catalog.extract('epoch', pg_catalog.max(pg_catalog.clock_timestamp() - query_start)) * 1000)::bigint
    FROM pg_catalog.pg_stat_activity WHERE wait_event = 'SyncRep') AS commit_wait_ms,
  (SELECT wait_event_type || ':' || wait_event FROM pg_catalog.pg_stat_activity
    WHERE application_name = '${trialName}' AND state = 'active' ORDER BY backend_start LIMIT 1) AS trial,
  pg_catalog.current_setting('primary_conninfo', true) AS conninfo,
  pg_catalog.current_setting('primary_slot_name', true) AS slot_name,
  (SELECT pg_catalog.json_agg(s) FROM pg_catalog.pg_replication_slots s) AS slots,
  (SELECT pg_catalog.json_agg(w) FROM pg_catalog.pg_stat_replication w) AS senders,
  (SELECT pg_catalog.json_object_agg(name, pg_catalog.current_setting(name)) FROM pg_catalog.pg_settings
    WHERE pending_restart AND name NOT LIKE 'recovery\\_target%') AS pending,
  (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', name, 'setting', setting, 'unit', unit, 'type', vartype,
    'shown', pg_catalog.current_setting(name))) FROM pg_catalog.pg_settings WHERE context = 'postmaster') AS start_only`,
};

/**
 * What would be cut and lost with this primary. Of how many transactions there are in a byte of WAL the time since the last
 * checkpoint tells: both ends of it are there to be read, and nothing has to be remembered.
 */
export const load: Statement = {
  name: 'load',
  text: `SELECT count(*) AS clients, count(*) FILTER (WHERE a.xact_start IS NOT NULL) AS in_transaction,
  pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())
    - (SELECT (pg_catalog.split_part(next_xid, ':', 1)::bigint << 32) + pg_catalog.split_part(next_xid, ':', 2)::bigint
       FROM pg_catalog.pg_control_checkpoint()) AS transactions,
  pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(),
    (SELECT redo_lsn FROM pg_catalog.pg_control_checkpoint()))::bigint AS wal_bytes
FROM pg_catalog.pg_stat_activity a
WHERE a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid() AND a.application_name NOT IN ('Patroni heartbeat', '${trialName}')`,
};

/** What waits for a start is no mistake; that a line is gone which had to be there at the start is told without a file. */
export const fileMistakes: Statement = {
  name: 'fileMistakes',
  text: `SELECT f.sourcefile AS file, f.sourceline AS line, f.name, f.error
FROM pg_catalog.pg_file_settings f LEFT JOIN pg_catalog.pg_settings s ON s.name = f.name
WHERE f.error IS NOT NULL AND f.sourcefile IS NOT NULL AND s.context IS DISTINCT FROM 'postmaster'`,
};

/** Of pg_hba.conf as it is on disk. */
export const wrongHbaLines: Statement = {
  name: 'wrongHbaLines',
  text: 'SELECT line_number AS line, error FROM pg_catalog.pg_hba_file_rules WHERE error IS NOT NULL ORDER BY 1 LIMIT 5',
};

export const inRecovery: Statement = {
  name: 'inRecovery',
  text: 'SELECT pg_catalog.pg_is_in_recovery() AS in_recovery',
};
export const whoAnswers: Statement = {
  name: 'whoAnswers',
  text: `SELECT pg_catalog.pg_is_in_recovery() AS in_recovery,
  (SELECT system_identifier FROM pg_catalog.pg_control_system()) AS system_id`,
};
/** Where a primary writes, and on which timeline. Nobody can have more of it, flushed or not. */
export const primaryEnd: Statement = {
  name: 'primaryEnd',
  text: `SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()) END AS walfile,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.pg_current_wal_insert_lsn() END AS insert_lsn`,
};
/** Where a copy of this server would go, besides its data directory. */
export const tablespaces: Statement = {
  name: 'tablespaces',
  text: `SELECT location FROM pg_catalog.pg_tablespace, pg_catalog.pg_tablespace_location(oid) AS location WHERE location LIKE '/%'`,
};
/** Asked of a leader: does it still have the segment that begins after this position? Whoever has all there is needs none. */
export const walFrom = (position: string): Statement => ({
  name: 'walFrom',
  text: `SELECT pg_catalog.pg_walfile_name(p) AS segment, pg_catalog.pg_current_wal_flush_lsn() <= p
  OR EXISTS (SELECT 1 FROM pg_catalog.pg_ls_waldir() w WHERE pg_catalog.substr(w.name, 9, 16) = pg_catalog.substr(pg_catalog.pg_walfile_name(p), 9, 16)) AS there
FROM (SELECT $1::pg_lsn AS p) s`,
  values: [position],
});
/** Also one that is connecting yet, which no view of receivers shows. */
export const walReceiver: Statement = {
  name: 'walReceiver',
  text: "SELECT pid FROM pg_catalog.pg_stat_activity WHERE backend_type = 'walreceiver'",
};
/** A standby that paused since the primary raised a setting ends by this, and can be started with the larger value. */
export const resumeReplay: Statement = {
  name: 'resumeReplay',
  text: 'SELECT pg_catalog.pg_wal_replay_resume() WHERE pg_catalog.pg_is_in_recovery()',
};
/** Its own session waits for no standby. */
export const touchWal: Statement = {
  name: 'touchWal',
  text: "SELECT pg_catalog.pg_logical_emit_message(true, 'matriarch', '')",
};
/** A transaction of nobody's table that is over when its WAL is on disk: it has a number, and so a commit record that is flushed. */
export const tryCommit: Statement = { name: 'tryCommit', text: touchWal.text };
/** Whom commits wait for, and whether the checkpointer, which tells the others, takes in signals right now. */
export const synchrony: Statement = {
  name: 'synchrony',
  text: `SELECT pg_catalog.current_setting('synchronous_standby_names') AS names,
  (SELECT wait_event FROM pg_catalog.pg_stat_activity WHERE backend_type = 'checkpointer') AS checkpointer`,
};
export const checkpoint: Statement = { name: 'checkpoint', text: 'CHECKPOINT' };
export const identifySystem: Statement = { name: 'identifySystem', text: 'IDENTIFY_SYSTEM' };
export const timelineHistory = (timeline: number): Statement => ({
  name: 'timelineHistory',
  text: `TIMELINE_HISTORY ${timeline}`,
});

export const createSlot = (name: string): Statement => ({
  name: 'createSlot',
  text: `SELECT pg_catalog.pg_create_physical_replication_slot($1, true)
WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_replication_slots WHERE slot_name = $1)`,
  values: [name],
});
/** PostgreSQL waits for transactions that are under way: nobody else is held up by that. */
export const createLogicalSlot = (name: string, plugin: string, failover: boolean): Statement => ({
  name: 'createLogicalSlot',
  text: `SELECT pg_catalog.pg_create_logical_replication_slot($1, $2${failover ? ', false, false, true' : ''})
WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_replication_slots WHERE slot_name = $1)`,
  values: [name, plugin],
});
/** Of a primary: logical slots as they are on its disk. Names of slots hold no comma. */
export const slotFiles = (names: readonly string[]): Statement => ({
  name: 'slotFiles',
  text: `SELECT slot_name, database, plugin, wal_status, confirmed_flush_lsn,
  pg_catalog.encode(pg_catalog.pg_read_binary_file('pg_replslot/' || slot_name || '/state'), 'base64') AS state
FROM pg_catalog.pg_replication_slots
WHERE NOT pg_catalog.pg_is_in_recovery() AND slot_type = 'logical' AND NOT temporary
  AND slot_name = ANY (pg_catalog.string_to_array($1, ','))`,
  values: [names.join(',')],
});
/** Whether the segment that holds a position is here, whatever timeline it was written on; a standby may be asked, too. */
export const holdsWal = (position: string): Statement => ({
  name: 'holdsWal',
  text: `SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_ls_waldir() w WHERE pg_catalog.substr(w.name, 9, 16) =
    pg_catalog.lpad(pg_catalog.upper(pg_catalog.to_hex(number / per_log)), 8, '0')
    || pg_catalog.lpad(pg_catalog.upper(pg_catalog.to_hex(number % per_log)), 8, '0')) AS there
FROM (SELECT pg_catalog.div(pg_catalog.pg_wal_lsn_diff($1::pg_lsn, '0/0'), bytes)::bigint AS number, 4294967296 / bytes AS per_log
  FROM (SELECT bytes_per_wal_segment::bigint AS bytes FROM pg_catalog.pg_control_init()) c) s`,
  values: [position],
});
export const slotStatus = (name: string): Statement => ({
  name: 'slotStatus',
  text: 'SELECT wal_status FROM pg_catalog.pg_replication_slots WHERE slot_name = $1',
  values: [name],
});
export const dropSlot = (name: string): Statement => ({
  name: 'dropSlot',
  text: 'SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots WHERE slot_name = $1 AND NOT active',
  values: [name],
});
export const advanceSlot = (name: string, to: string): Statement => ({
  name: 'advanceSlot',
  text: 'SELECT pg_catalog.pg_replication_slot_advance(slot_name, $2::pg_lsn) FROM pg_catalog.pg_replication_slots WHERE slot_name = $1 AND NOT active',
  values: [name, to],
});

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Passwords must not reach log, audit or statistics, and nothing here may wait for a synchronous standby. */
export const quietSession: readonly Statement[] = [
  "SET log_statement TO 'none'",
  'SET log_min_duration_statement TO -1',
  "SET log_min_error_statement TO 'panic'",
  "SET synchronous_commit TO 'local'",
].map((text) => ({ name: 'quiet', text }));

export const roleExists = (name: string): Statement => ({
  name: 'roleExists',
  text: 'SELECT 1 AS found FROM pg_catalog.pg_roles WHERE rolname = $1',
  values: [name],
});

/** Creates the role, or brings it to this shape. Standard strings are on: a backslash is a backslash. */
export function shapeRole(
  name: string,
  exists: boolean,
  options: readonly string[],
  password: string | null,
): Statement {
  const secret = password === null ? '' : ` PASSWORD ${literal(password)}`;
  const words = options
    .filter((option) => /^[A-Za-z_ ]+$/.test(option))
    .join(' ')
    .toUpperCase();
  return { name: 'shapeRole', text: `${exists ? 'ALTER' : 'CREATE'} ROLE ${identifier(name)} WITH ${words}${secret}` };
}

/** What pg_rewind needs of its own role. */
export const grantRewind = (name: string): readonly Statement[] =>
  [
    'pg_ls_dir(text, boolean, boolean)',
    'pg_stat_file(text, boolean)',
    'pg_read_binary_file(text)',
    'pg_read_binary_file(text, bigint, bigint, boolean)',
  ].map((target) => ({
    name: 'grantRewind',
    text: `GRANT EXECUTE ON FUNCTION pg_catalog.${target} TO ${identifier(name)}`,
  }));

export const databaseNames: Statement = {
  name: 'databaseNames',
  text: 'SELECT oid, datname AS name FROM pg_catalog.pg_database WHERE datallowconn',
};
/** The tables that these files are of, in the database that is asked. What stands for rows too long is told as their table. */
export const relationNames = (
  files: readonly { readonly file: string; readonly space: string; readonly node: string }[],
): Statement => ({
  name: 'relationNames',
  text: `SELECT f.file, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
  || CASE WHEN r.relkind = 't' THEN ' (its TOAST)' ELSE '' END AS relation
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::oid[]), pg_catalog.unnest($3::oid[])) AS f(file, space, node)
JOIN pg_catalog.pg_class r ON r.oid = pg_catalog.pg_filenode_relation(f.space, f.node)
JOIN pg_catalog.pg_class c ON c.oid = CASE WHEN r.relkind = 't'
  THEN (SELECT o.oid FROM pg_catalog.pg_class o WHERE o.reltoastrelid = r.oid) ELSE r.oid END
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
  values: [
    arrayText(files.map(({ file }) => file)),
    arrayText(files.map(({ space }) => space)),
    arrayText(files.map(({ node }) => node)),
  ],
});
/** Of numbers and slashes. */
const arrayText = (items: readonly string[]): string => `{${items.join(',')}}`;
