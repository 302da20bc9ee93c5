import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Slot } from '../../src/model/postgres.ts';
import { later, lsn, revision, term, wallMs } from '../../src/model/units.ts';
import {
  after,
  cluster,
  following,
  idleSlot,
  leaderKey,
  leading,
  member,
  peer,
  primary,
  standby,
  withCluster,
  withSettings,
} from './values.ts';

/** Permanent logical slots: made where they are consumed, copied to whoever may lead next, and used there once that is safe. */

const cdc = { kind: 'logical', name: 'cdc', database: 'app', plugin: 'pgoutput' } as const;
const logical = (more: Partial<Slot> = {}): Slot =>
  idleSlot('cdc', {
    kind: 'logical',
    database: 'app',
    plugin: 'pgoutput',
    confirmedFlushLsn: lsn('0/4800000'),
    ...more,
  });
const wants = (seen: Observation, walLevel = 'logical'): Observation =>
  withSettings(seen, {
    cluster: { permanentSlots: [cdc] },
    postgres: { parameters: { ...seen.settings.postgres.parameters, wal_level: walLevel } },
  });
const status = (at: string) => ({
  status: { optime: lsn('0/5000100'), slots: { cdc: lsn(at) }, retainSlots: [], modRevision: revision(1n) },
});
const onLeader = (...slots: Slot[]) => wants({ ...leading, postgres: { ...primary, slots } });
const onStandby = (...slots: Slot[]) =>
  withCluster(wants({ ...following, postgres: { ...standby, slots } }), status('0/4900000'));
const ofMembers = [idleSlot('n1'), idleSlot('n3')];
const upkeepOf = (seen: Observation) =>
  decide(seen).upkeep.filter(({ kind }) => ['createSlot', 'dropSlot', 'advanceSlot', 'tell'].includes(kind));
const ruleOf = (seen: Observation): string => decide(seen).rule;

test('the leader makes it, once its server can decode', () => {
  const members = [idleSlot('n2'), idleSlot('n3')];
  const made = { kind: 'createSlot', name: 'cdc', logical: { database: 'app', plugin: 'pgoutput', failover: false } };
  assert.deepEqual(upkeepOf(onLeader(...members)), [made]);
  assert.deepEqual(upkeepOf(onLeader(...members, logical())), []);
  assert.deepEqual(upkeepOf(wants(onLeader(...members), 'replica')), []);
  const waits = { wal_level: { oldValue: 'replica', newValue: 'logical' } };
  const seen = onLeader(...members);
  assert.deepEqual(upkeepOf({ ...seen, postgres: { ...primary, slots: members, pendingRestart: waits } }), []);
  const newer = { ...seen, postgres: { ...primary, slots: members, serverVersion: 170_002 } };
  assert.deepEqual(upkeepOf(newer), [{ ...made, logical: { ...made.logical, failover: true } }]);
});

test('a standby that lacks what the leader has takes it over, in peace, and not again at once', () => {
  const seen = onStandby(...ofMembers);
  const decision = decide(seen);
  assert.equal(decision.rule, 'standby.copySlots');
  const [action] = decision.actions;
  assert.ok(action?.kind === 'startJob' && action.job.kind === 'copySlots');
  assert.deepEqual([action.job.from.member, action.job.upstream.slot, action.job.slots], ['n1', 'n2', [cdc]]);
  const { job } = action;
  assert.equal(ruleOf(onStandby(...ofMembers, logical())), 'standby.following', 'it has it');
  assert.equal(ruleOf(wants(following)), 'standby.following', 'the leader has not got it yet');
  assert.equal(ruleOf(withSettings(seen, { cluster: { pause: true } })), 'standby.following');
  assert.equal(ruleOf(withSettings(seen, { tags: { nofailover: true } })), 'standby.following');
  assert.equal(ruleOf(wants(seen, 'replica')), 'standby.following', 'a server with it would not start');
  const full = withSettings(seen, {
    postgres: { parameters: { ...seen.settings.postgres.parameters, max_replication_slots: '2' } },
  });
  assert.equal(ruleOf(full), 'standby.following', 'nor would one that has no room for it');
  const failover = { leader: 'n1', candidate: null, scheduledAt: null, problem: null, modRevision: revision(90n) };
  assert.equal(ruleOf(withCluster(seen, { failover })), 'standby.following', 'it may be about to lead');
  const promoting = { members: [member('n1'), member('n2'), member('n3')] };
  assert.equal(ruleOf(withCluster(seen, promoting)), 'standby.following');
  assert.equal(ruleOf(after(seen, job, { ended: 'failed' })), 'standby.following');
  const newer = { ...seen, postgres: { ...standby, slots: ofMembers, serverVersion: 170_002 } };
  assert.equal(ruleOf(newer), 'standby.following', 'PostgreSQL does it itself');
  const loops = seen.wallMs / seen.settings.cluster.loopWaitMs;
  const inLoops = (count: number) => wallMs((Math.floor(loops) + count) * seen.settings.cluster.loopWaitMs);
  const turns = [0, 1, 2, 3].map((count) => ruleOf({ ...seen, wallMs: inLoops(count) }) === 'standby.copySlots');
  assert.deepEqual(
    [turns.filter(Boolean).length, turns[0], turns[1]],
    [2, turns[2], turns[3]],
    'n3 has every other turn',
  );
});

test('a logical slot is not copied to where no stream tells the primary what it needs', () => {
  const members = [member('n1', { role: 'primary' }), member('n2'), member('n3', { tags: { nostream: true } })];
  const below = withSettings(withCluster(onStandby(...ofMembers), { members }), { tags: { replicatefrom: 'n3' } });
  assert.notEqual(
    ruleOf({ ...below, postgres: { ...standby, slots: ofMembers, upstream: { host: 'n3', port: 5432, slot: 'n2' } } }),
    'standby.copySlots',
  );
});

test('its copy is moved on to where the consumer is, never beyond what is replayed, and never back', () => {
  const moves = (published: string, confirmed: string) =>
    upkeepOf(withCluster(onStandby(...ofMembers, logical({ confirmedFlushLsn: lsn(confirmed) })), status(published)));
  const to = (at: string) => [{ kind: 'advanceSlot', name: 'cdc', to: lsn(at), database: 'app' }];
  assert.deepEqual(moves('0/4900000', '0/4800000'), to('0/4900000'));
  assert.deepEqual(moves('0/6000000', '0/4800000'), to('0/5000100'));
  assert.deepEqual(moves('0/4800000', '0/4900000'), []);
});

test('a slot that PostgreSQL invalidated, or that a former primary has of its own beside a failover slot, is dropped', () => {
  const kinds = (seen: Observation) =>
    upkeepOf(seen).map((one) => (one.kind === 'dropSlot' ? `${one.name}: ${one.why}` : one.kind));
  const [lost = ''] = kinds(onLeader(idleSlot('n2'), idleSlot('n3'), logical({ walStatus: 'lost' })));
  assert.match(lost, /^cdc: it is invalidated: its consumer has missed what came since/);
  const [blocks = ''] = kinds(onStandby(...ofMembers, logical({ failover: true })));
  assert.match(blocks, /^cdc: the leader has it/);
  assert.deepEqual(kinds(onStandby(...ofMembers, logical({ failover: true, synced: true }))), []);
});

// ---- until it is safe

const n1Says = (catalogXmins: Record<string, number>, startedText = 'today') => ({
  peers: [
    peer('n1', lsn('0/5000100'), { role: 'primary', runsAsPrimary: true, catalogXmins, startedText }),
    peer('n3', null),
  ],
});
const copyAt = (catalogXmin: number): Observation =>
  onStandby(...ofMembers, logical({ catalogXmin, confirmedFlushLsn: lsn('0/4900000') }));
const look = (seen: Observation, before?: Observation): Observation => {
  const memory = before === undefined ? seen.memory : decide(before).memory;
  return { ...seen, memory, nowMs: before === undefined ? seen.nowMs : later(before.nowMs, 1_000) };
};
const safe = (seen: Observation): boolean | undefined => decide(seen).memory.slotProofs.cdc?.safe;

test('a copy is safe once the primary keeps for it what it needs, and had not vacuumed it before', () => {
  const untold = { ...copyAt(700), ...n1Says({ cdc: 700 }) };
  assert.equal(safe(untold), false, 'the slot of this standby has no catalog xmin');
  const idle = look({ ...copyAt(700), ...n1Says({ cdc: 700, n2: 700 }) }, untold);
  assert.equal(safe(idle), true);
  const late = look({ ...copyAt(700), ...n1Says({ cdc: 750, n2: 700 }) }, untold);
  assert.equal(safe(late), false, 'rows up to 750 may be gone already');
  const on = look({ ...copyAt(750), ...n1Says({ cdc: 800, n2: 740 }) }, late);
  assert.equal(safe(on), true, 'it has come as far as the floor of then, which is not raised');
  assert.equal(safe(look({ ...copyAt(3_000_000_000), ...n1Says({ cdc: 4_294_967_290, n2: 5 }) })), false);
  assert.equal(safe(look({ ...copyAt(7), ...n1Says({ cdc: 4_294_967_290, n2: 5 }) })), true, 'numbers go round');
});

test('proof is of one reign, one run of the server, and the word of a primary', () => {
  const proven = { ...copyAt(700), ...n1Says({ cdc: 700, n2: 700 }) };
  const silent = look({ ...copyAt(700), peers: [] }, proven);
  assert.equal(safe(silent), true, 'what was proven stays so');
  const restarted = look(
    { ...silent, postgres: { ...silent.postgres, startedWallMs: wallMs(9_000) } as never },
    proven,
  );
  assert.equal(safe(restarted), false);
  const crashed = look({ ...copyAt(700), ...n1Says({ cdc: 900, n2: 700 }, 'later') }, proven);
  assert.equal(safe(crashed), false, 'the primary may have forgotten what it had heard, and vacuumed');
  const reign = { leader: { ...leaderKey('n1'), term: term(99n) } };
  assert.equal(safe(look(withCluster(silent, reign), proven)), false);
  assert.equal(safe({ ...copyAt(700), peers: [] }), false, 'a Patroni does not tell');
});

test('promoted with a copy that was not proven: that is told, once', () => {
  const { memory } = decide({ ...copyAt(700), peers: [] });
  const promoted = { ...onLeader(idleSlot('n2'), idleSlot('n3'), logical()), memory };
  const [told] = upkeepOf(promoted);
  assert.ok(told?.kind === 'tell' && told.level === 'error');
  assert.match(told.text, /^logical slot cdc was not proven to be safe/);
  assert.deepEqual(upkeepOf({ ...promoted, memory: decide(promoted).memory }), []);
  assert.deepEqual(cluster.garbage, []);
});
