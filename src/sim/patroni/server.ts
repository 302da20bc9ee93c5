import { runOnce } from '../../agent/postgres/sessions.ts';
import { checkpoint, createSlot, identifySystem, probe } from '../../agent/postgres/statements.ts';
import { quoted } from '../../codec/postgres/conf.ts';
import { readConninfo, writeConninfo } from '../../codec/postgres/conninfo.ts';
import { readControldata } from '../../codec/postgres/controldata.ts';
import { readPostmasterPid } from '../../codec/postgres/postmasterPid.ts';
import type { ControlData } from '../../model/postgres.ts';
import { lsn } from '../../model/units.ts';
import type { ProcessInfo, SqlRow, SqlTarget, Statement, World } from '../../model/world.ts';
import type { PeerSettings } from './settings.ts';

export interface Upstream {
  readonly host: string;
  readonly port: number;
  readonly slot: string;
}

/** What one look at the own server gives. */
export type Looked =
  | { readonly kind: 'empty' } // no data directory
  | { readonly kind: 'stopped' }
  | { readonly kind: 'starting' }
  /** The postmaster lives, and no query is answered: what it was last counts. */
  | { readonly kind: 'silent' }
  | Running;

export interface Running {
  readonly kind: 'running';
  readonly inRecovery: boolean;
  readonly timeline: number;
  readonly controlTimeline: number;
  /** Flushed by a primary; the further of received and replayed of a standby. */
  readonly position: bigint;
  readonly receivedLsn: bigint;
  readonly replayedLsn: bigint;
  readonly streaming: boolean;
  readonly conninfo: Readonly<Record<string, string>>;
  readonly slots: ReadonlyMap<string, bigint>;
  readonly startedText: string;
}

export type Server = ReturnType<typeof makeServer>;

const queryLimitMs = 2000;
const pollMs = 1000;
/** pg_ctl_timeout */
const openPortMs = 60_000;

/** One member's PostgreSQL in Patroni's hands: no parent that minds it, no deadline, and a fast stop that may last for ever. */
export function makeServer(
  world: World,
  settings: PeerSettings,
  parameters: () => Readonly<Record<string, string>>,
  trace: (text: string) => void,
) {
  const { clock, files, processes, sql } = world;
  const { dataDir, binDir, name } = settings;
  const inDir = (file: string): string => `${dataDir}/${file}`;

  async function postmaster(): Promise<{ readonly info: ProcessInfo; readonly status: string | null } | null> {
    const read = await files.read(inDir('postmaster.pid'));
    const file = read.kind === 'text' ? readPostmasterPid(read.text) : null;
    const info = file === null ? null : processes.describe(file.pid);
    if (file === null || info === null || info.state === 'dead' || info.cwd !== dataDir) return null;
    return { info, status: file.status };
  }

  const target = (host: string, port: number, replication = false): SqlTarget => ({
    host,
    port,
    user: replication ? 'replicator' : 'postgres',
    password: null,
    database: 'postgres',
    ssl: {},
    applicationName: 'Patroni heartbeat',
    replication,
  });
  const ask = (statement: Statement, limitMs = queryLimitMs) =>
    runOnce(sql, target('/tmp', settings.postgresPort), [statement], limitMs);

  async function look(): Promise<Looked> {
    const found = await postmaster();
    if (found === null) {
      const control = await files.stat(inDir('global/pg_control'));
      return control.kind === 'file' ? { kind: 'stopped' } : { kind: 'empty' };
    }
    // A failed query is repeated once.
    for (let tries = 0; tries < 2; tries += 1) {
      const answer = await ask(probe);
      const row = answer.kind === 'rows' ? answer.rows[0] : undefined;
      if (row !== undefined) {
        const found = running(row);
        return found.timeline === 0 ? { ...found, timeline: await ownTimeline() } : found;
      }
      if (answer.kind === 'error' && answer.sqlState === '57P03') return { kind: 'starting' };
    }
    return { kind: 'silent' };
  }

  /** Of a standby without a walreceiver: its own walsender tells. 0: it does not. */
  async function ownTimeline(): Promise<number> {
    const said = await runOnce(sql, target('/tmp', settings.postgresPort, true), [identifySystem], queryLimitMs);
    return said.kind === 'rows' ? Number(said.rows[0]?.timeline ?? 0) : 0;
  }

  async function control(): Promise<ControlData | null> {
    const told = await processes.run({ program: `${binDir}/pg_controldata`, args: ['-D', dataDir] }, 10_000);
    return told.kind === 'exited' && told.code === 0 ? readControldata(told.stdout) : null;
  }

  /** The operator's own file is kept beside, and included. */
  async function writeConf(upstream: Upstream | null): Promise<void> {
    const [conf, base] = [inDir('postgresql.conf'), inDir('postgresql.base.conf')];
    if ((await files.stat(base)).kind === 'absent') await files.rename(conf, base);
    const recovery: Readonly<Record<string, string>> = {
      recovery_target_timeline: 'latest',
      primary_conninfo: upstream === null ? '' : conninfoOf(upstream),
      primary_slot_name: upstream?.slot ?? '',
    };
    const lines = Object.entries({
      max_connections: '100',
      max_wal_senders: '10',
      max_replication_slots: '10',
      port: String(settings.postgresPort),
      listen_addresses: '0.0.0.0',
      unix_socket_directories: '/tmp',
      ...parameters(),
      ...recovery,
    }).map(([key, value]) => `${key} = ${quoted(value)}\n`);
    await files.write(conf, `include 'postgresql.base.conf'\n\n${lines.join('')}`, 0o600);
  }
  const conninfoOf = ({ host, port }: Upstream): string =>
    writeConninfo([
      ['user', 'replicator'],
      ['host', host],
      ['port', String(port)],
      ['application_name', name],
    ]);

  /** Until its port is open: it may stay in recovery for longer. False: it did not come up. */
  async function start(as: 'primary' | 'standby', upstream: Upstream | null): Promise<boolean> {
    if ((await postmaster()) !== null) return true;
    await writeConf(upstream);
    if (as === 'standby') await files.write(inDir('standby.signal'), '', 0o600);
    else await files.remove(inDir('standby.signal'));
    trace(`starts PostgreSQL as ${as}${upstream === null ? '' : ` of ${upstream.host}`}`);
    const launched = await processes.launch(
      { program: `${binDir}/postgres`, args: ['-D', dataDir], cwd: '/' },
      '/var/lib/postgresql/15/log',
    );
    if (launched.kind === 'failed') return false;
    const endMs = clock.now() + openPortMs;
    while (clock.now() < endMs) {
      const status = (await postmaster())?.status;
      if (status === 'ready' || status === 'standby') return true;
      const one = processes.describe(launched.pid);
      if (one === null || one.state === 'dead') return false;
      await clock.sleep(pollMs);
    }
    return true;
  }

  /** However long it takes. `downYet`: asked each second of a fast stop, as soon as the control file says that it is down. */
  async function stop(mode: 'fast' | 'immediate', downYet: (at: bigint) => Promise<void> = async () => {}) {
    const found = await postmaster();
    let down = false;
    if (found === null) return;
    trace(`stops PostgreSQL (${mode})`);
    processes.signal(found.info.pid, mode === 'fast' ? 'INT' : 'QUIT');
    for (;;) {
      const one = processes.describe(found.info.pid);
      if (one === null || one.state === 'dead' || one.startTicks !== found.info.startTicks) return;
      const said = down ? null : await control();
      if (said?.state === 'shut down') {
        down = true;
        await downYet(said.checkpoint);
      }
      await clock.sleep(pollMs);
    }
  }

  return {
    look,
    control,
    start,
    stop,
    target,
    ownTimeline,
    checkpoint: () => ask(checkpoint, 600_000),
    createSlot: (slot: string) => ask(createSlot(slot)),
    /** As pg_ctl does, without waiting. */
    async promote(): Promise<boolean> {
      const found = await postmaster();
      if (found === null) return false;
      await files.append(inDir('promote'), '', 0o600);
      trace('promotes PostgreSQL');
      return processes.signal(found.info.pid, 'USR1');
    },
    /** By a reload: nothing of it needs a restart. */
    async follow(upstream: Upstream | null): Promise<void> {
      await writeConf(upstream);
      const found = await postmaster();
      trace(`follows ${upstream?.host ?? 'nobody'}`);
      if (found !== null) processes.signal(found.info.pid, 'HUP');
    },
    async historyText(id: number): Promise<string | null> {
      const file = `pg_wal/${id.toString(16).toUpperCase().padStart(8, '0')}.history`;
      const read = await files.read(inDir(file));
      return read.kind === 'text' ? read.text : null;
    },
  };
}

function running(row: SqlRow): Running {
  const at = (name: string): bigint => {
    const text = row[name];
    return text == null ? 0n : lsn(text);
  };
  const inRecovery = row.in_recovery === 't';
  const receiver = parsed<{ received_tli?: number; status?: string; written_lsn?: string } | null>(row.receiver, null);
  const slots = parsed<readonly { slot_name: string; restart_lsn: string | null }[]>(row.slots, []);
  const written = receiver?.written_lsn === undefined ? 0n : lsn(receiver.written_lsn);
  const receivedLsn = max(at('receive_lsn'), written);
  const fileTimeline = Number.parseInt((row.walfile ?? '0').slice(0, 8), 16);
  return {
    kind: 'running',
    inRecovery,
    timeline: inRecovery ? (receiver?.received_tli ?? 0) : fileTimeline,
    controlTimeline: Number(row.control_timeline ?? 0),
    position: inRecovery ? max(receivedLsn, at('replay_lsn')) : at('flush_lsn'),
    receivedLsn,
    replayedLsn: at('replay_lsn'),
    streaming: receiver?.status === 'streaming',
    conninfo: readConninfo(row.conninfo ?? ''),
    slots: new Map(slots.map((slot) => [slot.slot_name, slot.restart_lsn === null ? 0n : lsn(slot.restart_lsn)])),
    startedText: row.started ?? '',
  };
}

const parsed = <T>(text: string | null | undefined, otherwise: T): T =>
  text == null ? otherwise : (JSON.parse(text) as T);
const max = (a: bigint, b: bigint): bigint => {
  if (a > b) return a;
  return b;
};
