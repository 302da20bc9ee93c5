import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { idOf } from '../../../src/agent/incidents/episode.ts';
import { beginWatch, watch } from '../../../src/agent/incidents/watch.ts';
import type { ActionResult, Entry, SeenBrief } from '../../../src/model/decision.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { instantMs } from '../../../src/model/units.ts';

/** A journal by hand: each entry 100 ms after the one before. */
type Line = Entry extends infer E ? (E extends Entry ? Omit<E, 'atMs' | 'wall'> : never) : never;

const seen = (change: Partial<SeenBrief> = {}): SeenBrief => ({
  postgres: 'running standby',
  timeline: 1,
  lsn: null,
  dcs: 'reachable',
  leader: 'n1',
  leaseLeftMs: null,
  guard: 'disarmed',
  job: null,
  ...change,
});
const decided = (rule: string, brief: Partial<SeenBrief> = {}, actions: readonly ActionResult[] = []): Line => ({
  kind: 'decided',
  cycle: 1,
  wakes: [],
  rule,
  leaseRule: 'lease.none',
  reason: `reason of ${rule}`,
  because: [],
  passed: ['a', 'b'],
  actions,
  seen: seen(brief),
});
const changed = (what: string, from: string, to: string): Line => ({ kind: 'changed', what, from, to, because: [] });
const job = (name: string, step: string, outcome: 'begun' | 'done'): Line => ({
  kind: 'job',
  job: name,
  step,
  outcome,
  because: outcome === 'done' ? [['tookMs', 7]] : [],
});
const note = (text: string, because: Entry['because'] = []): Line => ({
  kind: 'note',
  level: 'warning',
  text,
  because,
});
const killed = (wall: string, postmaster: number | null = 5): Line =>
  note('guardian: PostgreSQL is killed', [
    ['postmaster', postmaster],
    ['wall', wall],
  ]);

/** Every state of every incident, in the order of the journal. */
function read(lines: readonly Line[]): readonly Incident[] {
  let state = beginWatch({ scope: 'demo', node: 'n2' });
  return lines.flatMap((line, i) => {
    const wall = new Date(1_000_000 + i * 100).toISOString();
    const next = watch(state, { ...line, atMs: instantMs(5_000 + i * 100), wall } as Entry);
    state = next.watch;
    return next.incident === null ? [] : [next.incident];
  });
}
const ended = (lines: readonly Line[]): readonly Incident[] => read(lines).filter(({ state }) => state === 'closed');
const kinds = (lines: readonly Line[]): readonly string[] => ended(lines).map(({ kind }) => kind);

const follows = decided('standby.following');
const leads = decided('primary.healthy', { postgres: 'running primary', leader: 'n2', timeline: 2 });

test('nothing happens, and nothing is written', () => {
  assert.deepEqual(read([follows, note('x'), follows]), []);
  const calm = [follows, changed('etcd', 'reachable', 'unreachable'), changed('guard', 'armed', 'disarmed'), follows];
  assert.deepEqual(read(calm), []);
});

test('a primary that gives no answer for a moment has not changed its role', () => {
  const moment = [
    leads,
    changed('postgres', 'running primary', 'unresponsive'),
    changed('postgres', 'unresponsive', 'running primary'),
    leads,
  ];
  assert.deepEqual(read(moment), []);
  assert.deepEqual(
    kinds([
      leads,
      changed('postgres', 'unresponsive', 'stopped'),
      changed('postgres', 'stopped', 'running primary'),
      leads,
    ]),
    ['restart'],
  );
});

test('a lead that changed while etcd was away is seen by the next decision', () => {
  const [incident] = ended([
    follows,
    decided('standby.etcdAway', { dcs: 'unreachable', leader: null }),
    decided('standby.following', { leader: 'n3' }),
  ]);
  assert.deepEqual([incident?.kind, incident?.leader], ['failover', { before: 'n1', after: 'n3' }]);
  assert.equal(incident?.trigger, 'leader: n1 -> n3');
});

test('the dead-man switch and the guardian make it a fence; a stop that came to nothing is called off', () => {
  const strike: Line = { kind: 'guard', step: 'the dead-man switch stops PostgreSQL', because: [] };
  const down = [changed('postgres', 'running primary', 'stopped'), changed('leader', 'n2', 'n3')];
  const other = decided('standby.following', { leader: 'n3' });
  assert.deepEqual(kinds([leads, strike, ...down, other]), ['fence']);
  assert.deepEqual(kinds([leads, ...down, killed('1970-01-01T00:16:40.200Z'), other]), ['fence']);
  assert.deepEqual(kinds([leads, ...down, killed('1970-01-01T00:16:40.200Z', null), other]), ['demotion']);
  assert.deepEqual(read([strike, killed('1970-01-01T00:10:00.000Z')]), [], 'told again to an agent that begins');
  assert.deepEqual(kinds([leads, ...down, other]), ['demotion']);
  assert.deepEqual(kinds([leads, job('stop', 'stop fast: switchover', 'begun'), leads]), ['calledOff']);
});

test('milestones, jobs and what is at risk; the names of rules that were passed over are left out', () => {
  const win: ActionResult = { action: 'acquireLeaderKey', outcome: 'done', why: null, tookMs: 1 };
  const race = (outcome: ActionResult['outcome']): Line =>
    ({
      ...decided('race.acquire', { leader: null }, [{ ...win, outcome }]),
      because: [
        ['myLsn', '0/5000000'],
        ['lastOptime', '0/5000100'],
      ],
    }) as Line;
  const story = (outcome: ActionResult['outcome']): readonly Line[] => [
    follows,
    changed('leader', 'n1', '-'),
    race(outcome),
    changed('leader', '-', 'n2'),
    job('promote', 'promotion signalled', 'begun'),
    job('promote', 'promote', 'done'),
    changed('timeline', '1', '2'),
    changed('postgres', 'running standby', 'running primary'),
    leads,
  ];
  const [incident] = ended(story('done'));
  assert.deepEqual(
    incident?.phases.map(({ phase, afterMs }) => `${phase} ${afterMs}`),
    ['leaderGone 0', 'keyTaken 200', 'keyMine 200', 'promotionSignalled 300', 'writable 600'],
  );
  assert.deepEqual(incident?.jobs, [{ job: 'promote', outcome: 'done', tookMs: 7, error: null }]);
  assert.equal(incident?.atRisk?.bytes, 0x100);
  assert.deepEqual(incident?.timeline, { before: 1, after: 2 });
  assert.equal(incident?.before?.rule, 'standby.following');
  assert.equal(incident?.tookMs, 700);
  assert.ok(incident?.evidence.every((entry) => entry.kind !== 'decided' || entry.passed.length === 0));
  assert.equal(ended(story('refused'))[0]?.atRisk, null, 'who asked and did not get the key risked nothing');
});

test('a primary that went down together with its agent is restarted, not promoted, by an agent that holds its key still', () => {
  const down = { postgres: 'stopped', leader: 'n2', leaseLeftMs: 20_000 };
  const story: readonly Line[] = [
    note('agent begins'),
    decided('primary.crashed', down),
    job('startPrimary', 'startPrimary', 'begun'),
    job('startPrimary', 'startPrimary', 'done'),
    changed('postgres', 'stopped', 'running primary'),
  ];
  const again = { postgres: 'running primary', leader: 'n2', leaseLeftMs: 20_000 };
  const [incident] = ended([...story, decided('primary.healthy', again)]);
  assert.deepEqual([incident?.kind, incident?.tookMs], ['restart', 400]);
  assert.equal(incident?.trigger, 'postgres: stopped, as the agent begins, which holds the leader key');
  assert.deepEqual(
    [incident?.leader, incident?.timeline],
    [
      { before: 'n2', after: 'n2' },
      { before: 1, after: 1 },
    ],
  );
  assert.deepEqual(
    incident?.phases.map(({ phase, afterMs }) => `${phase} ${afterMs}`),
    ['writable 300'],
  );
  assert.deepEqual(
    incident?.jobs.map(({ job: name }) => name),
    ['startPrimary'],
  );
  const withoutEtcd = decided('primary.crashed.withoutEtcd', { ...down, dcs: 'unreachable', leader: null });
  assert.deepEqual(kinds([withoutEtcd, ...story.slice(2), decided('primary.healthy', again)]), ['restart']);
});

test('where the key is found and a new timeline begins, or the key is taken only now, it is a promotion; where it goes, a demotion', () => {
  const down = { postgres: 'stopped', leader: 'n2', leaseLeftMs: 20_000 };
  const writable = changed('postgres', 'running standby', 'running primary');
  const promoted: readonly Line[] = [decided('primary.crashed', down), changed('timeline', '1', '2'), writable, leads];
  assert.deepEqual(kinds(promoted), ['promotion'], 'the agent before died in the midst of it');
  const reach: ActionResult = { action: 'acquireLeaderKey', outcome: 'done', why: null, tookMs: 1 };
  const taken: readonly Line[] = [
    decided('restart.first', { postgres: 'stopped', leader: null }, [reach]),
    decided('leading.start', { ...down }),
    changed('postgres', 'stopped', 'running primary'),
    decided('primary.healthy', { postgres: 'running primary', leader: 'n2' }),
  ];
  assert.deepEqual(kinds(taken), ['promotion']);
  const former = decided('leader.formerLife', { ...down, leaseLeftMs: null });
  assert.deepEqual(read([former, former]), [], 'a key that this agent does not hold tells nothing of the server');
  assert.deepEqual(
    kinds([
      decided('primary.crashed', down),
      changed('leader', 'n2', 'n3'),
      decided('standby.following', { leader: 'n3' }),
    ]),
    ['demotion'],
  );
});

test('a distance of positions is at most what was lost, whatever it was counted of', () => {
  const judged = (facts: Entry['because']): Line => ({ ...job('rewind', 'judged', 'done'), because: facts }) as Line;
  const riskOf = (facts: Entry['because']) =>
    ended([job('rewind', 'rewind from n1', 'begun'), judged(facts), follows])[0]?.atRisk;
  const counted = riskOf([
    ['beyondForkBytes', 15_936_928],
    ['beyondForkCommits', 0],
  ]);
  assert.deepEqual([counted?.bytes, counted?.atMost, counted?.transactions], [15_936_928, true, 0]);
  const uncounted = riskOf([['beyondForkBytes', 7]]);
  assert.deepEqual([uncounted?.atMost, uncounted?.transactions], [true, undefined]);
});

test('an agent that ends on purpose closes what is open', () => {
  const [incident] = ended([leads, changed('postgres', 'running primary', 'stopped'), note('agent ends: stopped')]);
  assert.deepEqual(incident?.phases.at(-1)?.phase, 'agentEnded');
});

const line = fc.oneof(
  fc.constantFrom(follows, leads, decided('race.acquire', { leader: null }), decided('job.running', { leader: 'n3' })),
  fc
    .constantFrom('n1', 'n2', '-')
    .chain((from) => fc.constantFrom('n1', 'n3', '-').map((to) => changed('leader', from, to))),
  fc
    .constantFrom('running primary', 'running standby', 'stopped', 'unresponsive')
    .map((to) => changed('postgres', 'x', to)),
  fc
    .constantFrom('rewind', 'stop', 'promote')
    .chain((name) => fc.constantFrom<'begun' | 'done'>('begun', 'done').map((outcome) => job(name, name, outcome))),
  fc.constantFrom(killed('1970-01-01T00:16:40.000Z'), note('agent ends: x'), note('y')),
);

test('whatever a journal says: one incident at a time, bounded, whole after every entry, and it only grows', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 120 }), (lines) => {
      const states = read(lines);
      states.forEach((state, i) => {
        const before = states[i - 1];
        assert.ok(state.evidence.length <= 60 && state.decisions.length <= 60 && state.jobs.length <= 60);
        assert.equal(state.state === 'closed', state.ended !== null && state.tookMs !== null);
        assert.equal(state.id, idOf(state.began));
        const times = state.phases.map(({ afterMs }) => afterMs);
        assert.deepEqual(
          times,
          [...times].sort((a, b) => a - b),
        );
        if (before === undefined) return;
        if (before.id === state.id) assert.ok(before.state === 'open' && state.phases.length >= before.phases.length);
        else assert.ok(before.state === 'closed' && before.id < state.id);
      });
    }),
  );
});
