import { readConninfo } from './conf.ts';
import { draw, type Instance, type Receiver, type Sender, spawnChild } from './instance.ts';
import { flushed as flushedHere, releaseWaiters } from './primary.ts';
import { endOf, historyName, type TimelineBranch, type WalRecord } from './wal.ts';

interface Batch {
  readonly timeline: number;
  readonly history: readonly TimelineBranch[];
  readonly records: readonly WalRecord[];
  readonly upTo: bigint;
}
interface StandbyAsk {
  readonly systemId: string;
  readonly timeline: number;
  readonly from: bigint;
  readonly slot: string | null;
  readonly applicationName: string;
  readonly user: string;
  /** The history files that it is given on the way. */
  readonly fetched: (readonly [name: string, text: string])[];
}

/** wal_retrieve_retry_interval, wal_receiver_timeout and wal_sender_timeout: PostgreSQL's defaults. */
const retryMs = 5000;
const timeoutMs = 60_000;

/** Keeps a standby receiving from wherever primary_conninfo points; restarted when that changes. */
export function startReceiver(instance: Instance): void {
  const { world, machine } = instance;
  const conninfo = readConninfo(instance.conf.get('primary_conninfo') ?? '');
  const host = conninfo.get('host');
  if (host === undefined || instance.phase === 'dead') return;
  const port = Number(conninfo.get('port') ?? 5432);
  const slot = instance.conf.get('primary_slot_name') || null;
  const process = spawnChild(instance, 'walreceiver');
  let generation = 0;
  const receiver: Receiver = {
    process,
    host,
    port,
    slot,
    status: 'connecting',
    heardMs: world.engine.now(),
    stop() {
      if (instance.receiver === receiver) instance.receiver = null;
      instance.wal.flushed = instance.wal.end; // the last thing it does
      process.signal('KILL');
    },
    end,
  };
  instance.receiver = receiver;
  // By somebody's hand: whoever replays asks for another one when it comes to need more.
  process.onSignal('TERM', () => end(() => instance.postmaster.after(retryMs, startAnother)));
  const startAnother = (): void => {
    if (instance.receiver !== null || !instance.inRecovery || instance.phase !== 'ready') return;
    if (instance.replayStands !== null) instance.postmaster.after(retryMs, startAnother);
    else startReceiver(instance);
  };

  /** Its last flush: what it tells of that is the last that it tells. */
  function end(then: () => void): void {
    generation++;
    receiver.status = 'connecting';
    process.after(draw(world, world.tuning.fsyncMs) + machine.fsyncMs, () => {
      receiver.stop();
      then();
    });
  }

  function again(mine: number, afterMs: number): void {
    if (mine !== generation) return;
    generation++;
    receiver.status = 'connecting';
    process.after(afterMs, connect);
  }

  function connect(): void {
    const mine = generation;
    const control = instance.dir.control();
    if (control === null) return;
    replayWritten();
    const ask: StandbyAsk = {
      systemId: control.systemId,
      timeline: instance.wal.timeline,
      from: instance.wal.end,
      slot,
      applicationName: conninfo.get('application_name') ?? 'walreceiver',
      user: conninfo.get('user') ?? 'postgres',
      fetched: [],
    };
    const answer = (what: () => void): void =>
      world.network.send(host ?? '', machine.name, () =>
        process.deliver(() => {
          if (mine !== generation) return;
          for (const [name, text] of ask.fetched) instance.dir.put(name, text);
          what();
        }),
      );
    process.after(10_000, () => receiver.status === 'connecting' && again(mine, 0));
    world.network.send(machine.name, host ?? '', () => {
      const upstream = world.machine(host ?? '');
      if (upstream?.powered() !== true) return;
      const server = world.serverAt(upstream.name, port);
      if (server === null) return answer(() => again(mine, retryMs));
      server.postmaster.deliver(() => {
        const sender = acceptStandby(server, instance, ask, {
          batch: (batch) => process.deliver(() => mine === generation && take(batch, sender)),
          over: () => process.deliver(() => again(mine, 100)),
        });
        if (typeof sender === 'string') {
          answer(() => {
            world.trace(machine.name, `walreceiver: ${sender}`);
            again(mine, retryMs);
          });
          return;
        }
        process.onEnd(() => {
          if (machine.powered()) world.network.send(machine.name, upstream.name, () => sender.process.exit(0));
        });
        answer(() => {
          receiver.status = 'streaming';
          receiver.heardMs = world.engine.now();
          sender.process.deliver(() => sender.push());
        });
      });
    });
  }

  /**
   * What a receiver before this one wrote is replayed first, flushed or not: recovery reads it from the files, and asks
   * for more only from where they end.
   */
  function replayWritten(): void {
    const { wal } = instance;
    if (wal.end <= instance.replayed || instance.replayStands !== null) return;
    if (instance.received !== null) instance.received = wal.end;
    instance.replayed = wal.end;
    flushedHere(instance, wal.end);
  }

  /** Written and flushed, then acknowledged; replayed a little later, and said so. */
  function take(batch: Batch, sender: Sender | string): void {
    if (typeof sender === 'string') return;
    receiver.heardMs = world.engine.now();
    const { wal } = instance;
    if (batch.upTo > wal.end) {
      wal.records.push(...batch.records.filter((record) => record.start >= wal.end));
      wal.end = batch.upTo;
    }
    wal.timeline = batch.timeline;
    wal.history = batch.history;
    const upTo = wal.end;
    process.after(draw(world, world.tuning.fsyncMs) + machine.fsyncMs, () => {
      instance.received = upTo;
      flushedHere(instance, upTo);
      const tell = (): void => {
        world.confirming?.(instance, receiver.host);
        world.network.send(machine.name, receiver.host, () => acknowledged(sender, upTo, instance.replayed));
      };
      tell();
      process.after(draw(world, world.tuning.replayMs), () => {
        if (upTo <= instance.replayed || instance.replayStands !== null) return;
        instance.replayed = upTo;
        tell();
      });
    });
  }

  function acknowledged(sender: Sender, flushed: bigint, replayed: bigint): void {
    sender.process.deliver(() => {
      sender.heardMs = world.engine.now();
      if (sender.flushed === null || flushed > sender.flushed) sender.flushed = flushed;
      if (sender.replayed === null || replayed > sender.replayed) sender.replayed = replayed;
      const upstream = [...world.servers].find((server) => server.senders.has(sender));
      if (upstream === undefined) return;
      const held = sender.slot === null ? undefined : upstream.dir.slots().get(sender.slot);
      if (held !== undefined) held.restartLsn = flushed;
      releaseWaiters(upstream);
    });
  }

  function watchTimeout(): void {
    if (receiver.status === 'streaming' && world.engine.now() - receiver.heardMs > timeoutMs) again(generation, 0);
    process.after(10_000, watchTimeout);
  }
  connect();
  watchTimeout();
}

/** The other end says yes, with the process that will serve; or why not, in PostgreSQL's words. */
function acceptStandby(
  server: Instance,
  standby: Instance,
  ask: StandbyAsk,
  to: { batch(batch: Batch): void; over(): void },
): Sender | string {
  const { world, wal } = server;
  if (server.phase === 'starting') return 'the database system is starting up';
  if (server.phase !== 'ready') return 'the database system is shutting down';
  if (server.dir.control()?.systemId !== ask.systemId)
    return 'database system identifier differs between the primary and standby';
  const missing = tellHistories(server, standby, ask);
  if (missing !== null) return missing;
  const end = endOf(wal, ask.timeline);
  if (end === null) return `requested timeline ${ask.timeline} is not in this server's history`;
  if (end !== 'open' && ask.from > end)
    return `new timeline ${wal.timeline} forked off current database system timeline ${ask.timeline} before current recovery point`;
  if (ask.from > wal.flushed) return 'requested starting point is ahead of the WAL flush position of this server';
  const slot = ask.slot === null ? null : server.dir.slots().get(ask.slot);
  if (slot === undefined) return `replication slot "${ask.slot}" does not exist`;
  if (slot?.active) return `replication slot "${ask.slot}" is active`;

  const process = spawnChild(server, `walsender ${ask.user} ${standby.machine.name}`);
  const down = world.network.stream(server.machine.name, standby.machine.name);
  let timelineSent = ask.timeline;
  const sender: Sender = {
    process,
    host: standby.machine.name,
    applicationName: ask.applicationName,
    user: ask.user,
    slot: ask.slot,
    sent: ask.from,
    flushed: null,
    replayed: null,
    heardMs: world.engine.now(),
    pushNew() {
      if (wal.flushed > sender.sent || wal.timeline !== timelineSent) sender.push();
    },
    push() {
      if (process.state() !== 'running') return;
      timelineSent = wal.timeline;
      const records: WalRecord[] = [];
      for (let i = wal.records.length - 1; i >= 0; i--) {
        const record = wal.records[i];
        if (record === undefined || record.start < sender.sent) break;
        if (record.end <= wal.flushed) records.push(record);
      }
      sender.sent = wal.flushed;
      const batch = { timeline: wal.timeline, history: wal.history, records: records.reverse(), upTo: wal.flushed };
      down.send(() => to.batch(batch));
    },
  };
  server.senders.add(sender);
  if (slot !== null) slot.active = true;
  process.onEnd(() => {
    server.senders.delete(sender);
    if (slot !== null) slot.active = false;
    if (server.machine.powered()) down.send(to.over);
    releaseWaiters(server);
  });
  keepAlive(server, sender);
  return sender;
}

/**
 * Before it asks for WAL, a receiver fetches what it lacks of the history files between its timeline and the server's. Gives
 * why that ends it.
 */
function tellHistories(
  { dir, wal }: Instance,
  { dir: theirs }: Instance,
  { timeline, fetched }: StandbyAsk,
): string | null {
  for (let id = Math.max(timeline, 2); id <= wal.timeline; id++) {
    const path = `pg_wal/${historyName(id)}`;
    if (theirs.has(path)) continue;
    const text = dir.text(path);
    if (text === null) return `could not receive timeline history file from the primary server: no file ${path}`;
    fetched.push([path, text]);
  }
  return null;
}

/** A quiet stream is asked for a sign of life; one that gives none for a minute is ended. */
function keepAlive(server: Instance, sender: Sender): void {
  sender.process.after(timeoutMs / 2, () => {
    if (server.world.engine.now() - sender.heardMs > timeoutMs) sender.process.exit(1);
    else sender.push();
    keepAlive(server, sender);
  });
}
