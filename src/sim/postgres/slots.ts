import { lsnOf, lsnText } from '../../model/units.ts';
import { failed, rows, teach } from './answers.ts';
import type { LogicalPart, SimSlot } from './dataDir.ts';
import type { Instance } from './instance.ts';

/**
 * Replication slots. Logical ones hold a place and decode nothing; what is modelled is how they come to be, are copied, are moved
 * on and get lost, and that feedback tells a primary of them. Vacuum is not: all need the same transaction.
 */
const neededXmin = 700;
const at = (position: bigint | null): string | null => (position === null ? null : lsnText(lsnOf(position)));

export function slotRow(server: Instance, slot: SimSlot) {
  const feedback = hears(server, slot);
  return {
    slot_name: slot.name,
    slot_type: slot.logical === undefined ? 'physical' : 'logical',
    active: slot.active,
    temporary: false,
    restart_lsn: at(slot.restartLsn),
    confirmed_flush_lsn: at(slot.logical?.confirmedLsn ?? null),
    xmin: feedback === undefined ? null : String(neededXmin),
    catalog_xmin: slot.logical !== undefined || feedback?.copies === true ? neededXmin : null,
    wal_status: 'reserved',
    database: slot.logical?.database ?? null,
    plugin: slot.logical?.plugin ?? null,
  };
}

/** Hot standby feedback of whoever streams by this slot; when nobody does, what was told last stays, for ever. */
function hears({ senders, world, port }: Instance, slot: SimSlot): SimSlot['feedback'] {
  const sender = slot.active ? [...senders].find((one) => one.slot === slot.name) : undefined;
  const standby = sender === undefined ? null : world.serverAt(sender.host, port);
  if (standby === null) return slot.feedback;
  const copies = [...standby.dir.slots().values()].some(({ logical }) => logical !== undefined);
  slot.feedback = standby.conf.get('hot_standby_feedback') === 'on' ? { copies } : undefined;
  return slot.feedback;
}

/** Never back, and on a standby never beyond what is replayed. */
export function moveOn({ inRecovery, replayed, wal }: Instance, slot: SimSlot, target: bigint): void {
  const end = inRecovery ? replayed : wal.flushed;
  const to = target < end ? target : end;
  if ((slot.restartLsn ?? 0n) < to) slot.restartLsn = to;
  if (slot.logical !== undefined && slot.logical.confirmedLsn < to) slot.logical.confirmedLsn = to;
}

teach({
  createLogicalSlot(server, _backend, [name, plugin], reply) {
    if (server.inRecovery) return reply(failed('0A000', 'logical decoding cannot be used while in recovery'));
    if (server.confAtStart.get('wal_level') !== 'logical')
      return reply(failed('55000', 'logical decoding requires wal_level >= logical'));
    const slots = server.dir.slots();
    const { flushed } = server.wal;
    const logical = { database: 'postgres', plugin: String(plugin), confirmedLsn: flushed };
    if (!slots.has(String(name)))
      slots.set(String(name), { name: String(name), active: false, restartLsn: flushed, logical });
    reply(rows());
  },
  slotFiles(server, _backend, [names], reply) {
    const wanted = String(names).split(',');
    const found = server.inRecovery ? [] : [...server.dir.slots().values()];
    reply(
      rows(
        ...found.flatMap(({ name, restartLsn, logical }) =>
          logical === undefined || !wanted.includes(name)
            ? []
            : [
                {
                  slot_name: name,
                  database: logical.database,
                  plugin: logical.plugin,
                  wal_status: 'reserved',
                  confirmed_flush_lsn: at(logical.confirmedLsn),
                  state: btoa(writeState(name, restartLsn ?? 0n, logical)),
                },
              ],
        ),
      ),
    );
  },
  /** Simulated servers keep all their WAL. */
  holdsWal: (_server, _backend, _values, reply) => reply(rows({ there: 't' })),
});

// ---- the file of a slot: a head, and what the simulated server reads again behind what a real one has there

const headBytes = 184;

function writeState(name: string, restartLsn: bigint, logical: LogicalPart): string {
  const bytes = new Uint8Array(headBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x1051ca1, true);
  for (const [index, letter] of [...name].entries()) bytes[16 + index] = letter.charCodeAt(0);
  view.setBigUint64(96, restartLsn, true);
  const own = JSON.stringify([String(restartLsn), String(logical.confirmedLsn), logical.database, logical.plugin]);
  return String.fromCharCode(...bytes) + own;
}

/** At its start a server finds the slots that were laid down while it was down; half of one it throws away. */
export function adoptSlots({ machine, dir }: Instance): void {
  const slots = dir.slots();
  for (const slot of slots.values()) slot.active = false;
  for (const name of machine.disk.names(`${dir.path}/pg_replslot`) ?? []) {
    const text = dir.text(`pg_replslot/${name}/state`);
    if (text === null) continue;
    const [restartLsn, confirmedLsn, database, plugin] = JSON.parse(text.slice(headBytes)) as readonly [
      string,
      string,
      string,
      string,
    ];
    const logical = { database, plugin, confirmedLsn: BigInt(confirmedLsn) };
    if (!name.endsWith('.tmp') && !slots.has(name))
      slots.set(name, { name, active: false, restartLsn: BigInt(restartLsn), logical });
    dir.remove(`pg_replslot/${name}`);
  }
}
