import { withoutRecovery, withoutSynchronousNames, writeConf, writeHba } from '../../codec/postgres/conf.ts';
import { writeConninfo } from '../../codec/postgres/conninfo.ts';
import { initSyncDefault } from '../../codec/postgres/initSync.ts';
import { type PassEntry, writePgpass } from '../../codec/postgres/pgpass.ts';
import { serviceName, writeService } from '../../codec/postgres/service.ts';
import type { ControlData, Upstream } from '../../model/postgres.ts';
import type { Login, Settings } from '../../model/settings.ts';
import { newHba } from './hba.ts';
import type { PostgresParts } from './parts.ts';

export type Role = ({ readonly role: 'primary' } | { readonly role: 'standby'; readonly upstream: Upstream | null }) & {
  /** Whom commits wait for, where the agent says who that is: as `synchronous_standby_names` has it. Absent: nobody. */
  readonly synchronousNames?: string;
};

/** In synchronous mode who is waited for is the agent's business alone. */
const saysWhoIsSynchronous = ({ cluster }: Settings): boolean => cluster.synchronousMode !== 'off';

/** A standby that starts with less than what the WAL's writer had refuses to: the larger counts. */
const neededByStandby = [
  'max_connections',
  'max_prepared_xacts',
  'max_locks_per_xact',
  'max_worker_processes',
  'max_wal_senders',
] as const;
const parameterOf: Readonly<Record<(typeof neededByStandby)[number], string>> = {
  max_connections: 'max_connections',
  max_prepared_xacts: 'max_prepared_transactions',
  max_locks_per_xact: 'max_locks_per_transaction',
  max_worker_processes: 'max_worker_processes',
  max_wal_senders: 'max_wal_senders',
};

/** The parameters for this role, and the part of them that goes on the command line. */
export function parametersFor(settings: Settings, role: Role, control: ControlData | null) {
  const raised: Record<string, string> = {};
  if (role.role === 'standby' && control !== null) {
    for (const recorded of neededByStandby) {
      const name = parameterOf[recorded];
      const was = control.recorded[recorded];
      if (was !== undefined && was > Number(settings.postgres.parameters[name] ?? 0)) raised[name] = String(was);
    }
  }
  const synchronous: Readonly<Record<string, string>> = saysWhoIsSynchronous(settings)
    ? { synchronous_standby_names: role.synchronousNames ?? '' }
    : {};
  return {
    parameters: { ...settings.postgres.parameters, ...raised, ...synchronous },
    commandLine: settings.postgres.commandLine.map(([name, value]) => [name, raised[name] ?? value] as const),
  };
}

/** libpq's words for a login, without the password: that one is in the passfile. */
export const loginWords = (login: Login, passfile: string): readonly (readonly [string, string])[] => [
  ['user', login.username],
  ...(login.password === null ? [] : [['passfile', passfile] as const]),
  ...Object.entries({ sslmode: 'prefer', ...login.ssl }),
];

/**
 * libpq's words for the command line of a tool, which anybody on this machine can read. What opens a client's key is in no passfile:
 * it goes to a service file (`toolEnv`).
 */
export async function forTool(parts: PostgresParts, words: ReturnType<typeof loginWords>): Promise<typeof words> {
  const secret = words.filter(([name]) => name === 'sslpassword');
  if (secret.length === 0) return words;
  await must(parts.world.files.write(parts.places().serviceFile, writeService(secret), 0o600));
  return [['service', serviceName], ...words.filter(([name]) => name !== 'sslpassword')];
}

export function primaryConninfo(settings: Settings, upstream: Upstream): string {
  const { replication, pgpass, database } = settings.local.postgres;
  return writeConninfo([
    ['dbname', database],
    ...loginWords(replication, pgpass),
    ['host', upstream.host],
    ['port', String(upstream.port)],
    ['application_name', settings.local.name],
    ...keepalives,
  ]);
}

/** A cut cable, or a host that lost its power, must not look like a quiet server for two hours. */
export const keepalives = [
  ['keepalives_idle', '5'],
  ['keepalives_interval', '2'],
  ['keepalives_count', '3'],
] as const;

function recoverySettings(settings: Settings, role: Role): Readonly<Record<string, string>> {
  if (role.role === 'primary') return {};
  const { upstream } = role;
  return {
    recovery_target: '',
    recovery_target_lsn: '',
    recovery_target_name: '',
    recovery_target_time: '',
    recovery_target_xid: '',
    ...settings.postgres.recovery,
    recovery_target_timeline: 'latest',
    primary_conninfo: upstream === null ? '' : primaryConninfo(settings, upstream),
    primary_slot_name: upstream?.slot ?? '',
  };
}

/** One passfile for all of the node's connections to this server. */
export async function writePassfile(parts: PostgresParts, host: string, port: number): Promise<void> {
  const { local } = parts.settings();
  const { superuser, replication, rewind, pgpass } = local.postgres;
  const entries = [replication, rewind ?? superuser, superuser].flatMap((login): PassEntry[] =>
    login.password === null ? [] : [{ host, port, user: login.username, password: login.password }],
  );
  if (entries.length === 0) return;
  const unique = [...new Map(entries.map((entry) => [entry.user, entry])).values()];
  await must(parts.world.files.write(pgpass, writePgpass(unique), 0o600));
}

/**
 * Writes postgresql.conf, pg_hba.conf, pg_ident.conf and the signal file for a role. The operator's own postgresql.conf
 * becomes postgresql.base.conf once, and is included. Answers whether anything changed.
 */
export async function configure(parts: PostgresParts, role: Role, control: ControlData | null): Promise<boolean> {
  const { world } = parts;
  const settings = parts.settings();
  const places = parts.places();
  const custom = settings.postgres.customConf;
  if (custom === null && (await world.files.stat(places.baseConf)).kind === 'absent') {
    if ((await world.files.stat(places.conf)).kind === 'file')
      await must(world.files.rename(places.conf, places.baseConf));
    else await must(world.files.write(places.baseConf, '', 0o600));
  }
  if (role.role === 'standby' && role.upstream !== null)
    await writePassfile(parts, role.upstream.host, role.upstream.port);
  const { parameters } = parametersFor(settings, role, control);
  const conf = writeConf({
    defaults: await defaultsHere(parts),
    include: custom ?? 'postgresql.base.conf',
    parameters,
    hbaFile: places.hba,
    identFile: places.ident,
    recovery: recoverySettings(settings, role),
  });
  const hba = await newHba(parts);
  parts.written.synchronousNames = null; // in doubt, should it fail
  parts.written.upstream = undefined;
  const changed = [
    await writeIfOther(parts, places.conf, conf),
    hba !== null && (await writeIfOther(parts, places.hba, hba)),
    settings.postgres.pgIdent !== null && settings.postgres.pgIdent.length > 0 && parameters.ident_file === undefined
      ? await writeIfOther(parts, places.ident, writeHba(settings.postgres.pgIdent))
      : false,
  ];
  const auto = await world.files.read(places.autoConf);
  if (auto.kind === 'text') {
    const kept = withoutRecovery(auto.text);
    const text = saysWhoIsSynchronous(settings) ? withoutSynchronousNames(kept) : kept;
    changed.push(await writeIfOther(parts, places.autoConf, text));
  }
  parts.written.synchronousNames = saysWhoIsSynchronous(settings) ? (parameters.synchronous_standby_names ?? '') : null;
  parts.written.upstream = role.role === 'standby' ? role.upstream : undefined;
  if (settings.dynamicText !== null) await writeIfOther(parts, places.dynamicCache, settings.dynamicText);
  return changed.includes(true);
}

/** What suits this server on this kernel, where nobody says otherwise. */
async function defaultsHere(parts: PostgresParts): Promise<Readonly<Record<string, string>>> {
  const { files } = parts.world;
  const { permanentSlots } = parts.settings().cluster;
  const [version, kernel] = await Promise.all([
    files.read(`${parts.places().dataDir}/PG_VERSION`),
    files.read('/proc/sys/kernel/osrelease'),
  ]);
  if (version.kind !== 'text') return {};
  // PostgreSQL 17 and newer: standbys keep copies of failover slots by themselves.
  const syncs = Number.parseInt(version.text, 10) >= 17 && permanentSlots.some(({ kind }) => kind === 'logical');
  return {
    ...(kernel.kind === 'text' ? initSyncDefault(version.text, kernel.text) : {}),
    ...(syncs ? { sync_replication_slots: 'on' } : {}),
  };
}

/** standby.signal is what makes a start a start in recovery: set apart from the rest, since it alone decides. */
export async function setStandbySignal(parts: PostgresParts, wanted: boolean): Promise<void> {
  const places = parts.places();
  if (wanted) await must(parts.world.files.write(places.standbySignal, '', 0o600));
  else await must(parts.world.files.remove(places.standbySignal));
  await must(parts.world.files.remove(places.recoverySignal));
}

async function writeIfOther(parts: PostgresParts, path: string, text: string): Promise<boolean> {
  const before = await parts.world.files.read(path);
  if (before.kind === 'text' && before.text === text) return false;
  await must(parts.world.files.write(path, text, 0o600));
  return true;
}

/** Inside a job a file that cannot be written ends the job, by its name. */
export async function must(outcome: ReturnType<PostgresParts['world']['files']['write']>): Promise<void> {
  const result = await outcome;
  if (result.kind === 'failed') throw new Error(result.why);
}
