import type { SeededChance } from './chance.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { Fault } from './fault.ts';

/**
 * Faults that wait for their moment. The worst instants are short: between winning the leader key and the promotion, between
 * two steps of a job, as everybody reaches for a key that is free. Chance alone seldom finds them; a trap does.
 */
type Moment = 'key taken' | 'key gone' | 'job step';

const names: Readonly<Record<Moment, string>> = {
  'key taken': 'struck as soon as it has the key',
  'key gone': 'struck as soon as the key is gone',
  'job step': 'struck as soon as a job is at a step',
};

interface Trap {
  readonly moment: Moment;
  /** Of the trap, not of its victim: whose mending takes it away. */
  readonly owner: string;
  /** Null: whoever set it. */
  spring(victim: string | null): void;
}

interface Watch {
  traps: readonly Trap[];
  revision: bigint;
  term: string | null;
  keyThere: boolean;
  /** Entries of each node's journal that were seen. */
  readonly read: Map<string, number>;
}

const watches = new WeakMap<SimulatedCluster, Watch>();

function watchOf(cluster: SimulatedCluster): Watch {
  const known = watches.get(cluster);
  if (known !== undefined) return known;
  const watch: Watch = { traps: [], revision: 0n, term: null, keyThere: false, read: new Map() };
  watches.set(cluster, watch);
  cluster.engine.onStep(() => {
    if (watch.traps.length > 0) look(cluster, watch);
  });
  return watch;
}

function look(cluster: SimulatedCluster, watch: Watch): void {
  const { store } = cluster.etcd;
  if (store.revision() !== watch.revision) {
    watch.revision = store.revision();
    const found = store.range('/service/sim/leader');
    const [kv] = found.kind === 'kvs' ? found.kvs : [];
    const term = kv === undefined ? null : String(kv.createRevision);
    if (kv !== undefined && term !== watch.term) spring(watch, 'key taken', kv.value);
    if (kv === undefined && watch.keyThere) spring(watch, 'key gone', null);
    watch.term = term ?? watch.term;
    watch.keyThere = kv !== undefined;
  }
  for (const { name, journal } of cluster.nodes.values()) {
    const from = watch.read.get(name) ?? 0;
    if (journal.length === from) continue;
    watch.read.set(name, journal.length);
    if (journal.slice(from).some(({ kind }) => kind === 'job')) spring(watch, 'job step', name);
  }
}

function spring(watch: Watch, moment: Moment, victim: string | null): void {
  const sprung = watch.traps.filter((trap) => trap.moment === moment);
  watch.traps = watch.traps.filter((trap) => trap.moment !== moment);
  for (const trap of sprung) trap.spring(victim);
}

/** Begins to look where the run is now: what was before is no moment to wait for. */
function arm(cluster: SimulatedCluster, trap: Trap): void {
  const watch = watchOf(cluster);
  if (watch.traps.length === 0) {
    watch.traps = [];
    look(cluster, watch);
  }
  watch.traps = [...watch.traps, trap];
}

export function disarmAll(cluster: SimulatedCluster): void {
  watchOf(cluster).traps = [];
}

/** Mostly at once; sometimes while what was begun is under way. */
const afterMs = (chance: SeededChance): number => (chance.happens(0.5) ? 0 : chance.between(0, 400));
/** Short, or about as long as a lease. */
const durationsMs: readonly (readonly [low: number, high: number])[] = [
  [300, 4000],
  [8000, 40_000],
];
const lastsMs = (chance: SeededChance): number => chance.between(...chance.pick(durationsMs));

function strikeForAWhile(
  cluster: SimulatedCluster,
  victim: string,
  fault: Fault,
  moment: Moment,
  chance: SeededChance,
): void {
  const { machine } = cluster.node(victim);
  if (!machine.powered() || machine.suspended()) return;
  cluster.tell(victim, `fault: ${fault.name}, ${moment}`);
  fault.strike(cluster, victim, chance);
  const cutsPower = !machine.powered();
  cluster.engine.after(lastsMs(chance), () => {
    if (machine.powered() === cutsPower) return; // another fault, or its mending, came between
    cluster.tell(victim, `mended: ${fault.name}`);
    fault.mend(cluster, victim);
  });
}

export const ambush = (moment: Moment, faults: readonly Fault[]): Fault => ({
  name: names[moment],
  strike(cluster, owner, chance) {
    // Two at once are more than twice one: the mending of the first may come while the second holds.
    const struck = chance.happens(0.3) ? [chance.pick(faults), chance.pick(faults)] : [chance.pick(faults)];
    arm(cluster, {
      moment,
      owner,
      spring(found) {
        // A job that gives data up rests on its leader: that one is struck as well.
        const leader = moment === 'job step' && chance.happens(0.3) ? cluster.primary() : null;
        const victim = leader ?? found ?? owner;
        for (const fault of struck)
          cluster.engine.after(afterMs(chance), () => strikeForAWhile(cluster, victim, fault, moment, chance));
      },
    });
  },
  mend(cluster, owner) {
    const watch = watchOf(cluster);
    watch.traps = watch.traps.filter((trap) => trap.owner !== owner || trap.moment !== moment);
  },
});
