import assert from 'node:assert/strict';
import { test } from 'node:test';
import { incidents } from '../../src/api/handlers/incidents.ts';
import { type IncidentOptions, listIncidents, showIncident } from '../../src/ctl/incidents.ts';
import type { Incident } from '../../src/model/incident.ts';
import { instantMs } from '../../src/model/units.ts';
import { fakeAgent } from '../api/handles.ts';
import { leading } from '../decide/values.ts';
import { type Asked, answer, type PlaceOptions, runAt } from './support/place.ts';
import { demo } from './support/sample.ts';

const promotion: Incident = {
  version: 1,
  id: '20261125-201351-123',
  scope: 'demo',
  node: 'node1',
  kind: 'promotion',
  state: 'closed',
  began: '2026-11-25T20:13:51.123Z',
  ended: '2026-11-25T20:13:51.523Z',
  tookMs: 400,
  trigger: 'leader: node2 -> -',
  before: { rule: 'standby.following', reason: 'this node follows the leader', because: [['leader', 'node2']] },
  decisions: [{ rule: 'race.acquire', reason: 'nobody is ahead of this node', because: [['myLsn', '0/5000000']] }],
  leader: { before: 'node2', after: 'node1' },
  timeline: { before: 1, after: 2 },
  phases: [
    { phase: 'leaderGone', afterMs: 0 },
    { phase: 'writable', afterMs: 62 },
  ],
  atRisk: { bytes: 128, how: 'of what the old leader had told' },
  clients: [
    {
      probe: 'p1:9988',
      unheard: null,
      gaps: [
        {
          kind: 'write',
          target: 'ha:5000/app',
          gapMs: 4_310,
          beganAfterMs: -120,
          ended: true,
          hostBefore: 'node2:5432',
          hostAfter: 'node1:5432',
        },
        {
          kind: 'read',
          target: 'ha:5001/app',
          gapMs: 9_000,
          beganAfterMs: 50,
          ended: false,
          hostBefore: 'node2:5432',
          hostAfter: null,
        },
      ],
    },
    { probe: 'p2:9988', unheard: 'no answer in 2000 ms', gaps: [] },
  ],
  jobs: [{ job: 'promote', outcome: 'failed', tookMs: 49, error: 'no space left' }],
  evidence: [
    {
      kind: 'changed',
      atMs: instantMs(5),
      wall: '2026-11-25T20:13:51.123Z',
      what: 'leader',
      from: 'node2',
      to: '-',
      because: [],
    },
  ],
};
const cut: Incident = {
  ...promotion,
  id: '20261126-080000-000',
  kind: 'demotion',
  state: 'cutShort',
  began: '2026-11-26T08:00:00.000Z',
  ended: null,
  tookMs: null,
  trigger: 'stop fast: switchover',
  leader: { before: 'node1', after: null },
  timeline: { before: 2, after: 2 },
  atRisk: null,
  clients: [],
};
const files = {
  '/state/incidents/20261126-080000-000.json': JSON.stringify(cut),
  '/state/incidents/20261125-201351-123.json': JSON.stringify(promotion),
  '/state/incidents/20261127-000000-000.json': '{"half',
  '/state/incidents/README': 'x',
};
const plain: IncidentOptions = { member: null, format: 'pretty' };
const list = (options: Partial<IncidentOptions> = {}, place: Partial<PlaceOptions> = {}, count = 20) =>
  runAt({ cluster: () => demo, files, ...place }, (ctl) => listIncidents(ctl, count, { ...plain, ...options }));
const show = (id: string, options: Partial<IncidentOptions> = {}, place: Partial<PlaceOptions> = {}) =>
  runAt({ cluster: () => demo, files, ...place }, (ctl) => showIncident(ctl, id, { ...plain, ...options }));

/** An agent that has both. */
const agents = ({ url }: Asked) => {
  const { pathname } = new URL(url);
  const request = { method: 'GET', path: pathname, query: {}, body: null };
  const reply = incidents(request, fakeAgent(leading, { incidents: [promotion, cut] }));
  return reply.kind === 'json' ? answer(reply.status, JSON.stringify(reply.value)) : assert.fail(reply.kind);
};

test('incidents: a table from the disk, also when the agent is dead; what is half written is passed over', async () => {
  const { out, asked } = await list();
  assert.deepEqual(asked, []);
  assert.equal(
    out,
    `+---------------------+-----------+-------------------------+----------------------------+----------------+--------+---------+-----------+-----------------------+
| ID                  | Kind      | Began (UTC)             |                       Took | Leader         |     TL | At risk | Write gap | Trigger               |
+---------------------+-----------+-------------------------+----------------------------+----------------+--------+---------+-----------+-----------------------+
| 20261125-201351-123 | promotion | 2026-11-25 20:13:51.123 |                      0.4 s | node2 -> node1 | 1 -> 2 |     128 |     4.3 s | leader: node2 -> -    |
| 20261126-080000-000 | demotion  | 2026-11-26 08:00:00.000 | cut short: the agent ended | node1 -> -     |      2 |         |           | stop fast: switchover |
+---------------------+-----------+-------------------------+----------------------------+----------------+--------+---------+-----------+-----------------------+
`,
  );
  assert.equal((await list({ format: 'tsv' }, {}, 1)).out.split('\n').length, 3);
  const [first] = JSON.parse((await list({ format: 'json' })).out);
  assert.deepEqual([first.id, first.atRisk.bytes, first.evidence], [promotion.id, 128, undefined]);
  assert.match((await list({ format: 'yaml' })).out, /\n {2}id: 20261126-080000-000\n/);
  assert.equal((await list({}, {}, 0)).out, 'No incidents.\n');
  assert.equal((await list({}, { files: { '/state/journal.jsonl': '' } })).out, 'No incidents.\n');
});

test('incidents show: everything, the journal below it; by the beginning of its id', async () => {
  const { out } = await show('20261125');
  assert.equal(
    out,
    `20261125-201351-123: promotion, as node1 of demo went through it
  began      2026-11-25 20:13:51.123 UTC
  took       0.4 s
  trigger    leader: node2 -> -
  leader     node2 -> node1, timeline 1 -> 2
  at risk    128 bytes, transactions not counted, of what the old leader had told
  clients    write ha:5000/app without an answer for 4.3 s, from 0.1 s before it began (node2:5432 -> node1:5432), by the probe p1:9988
             read ha:5001/app without an answer for 9.0 s and more, from 0.1 s after it began (node2:5432 -> -), by the probe p1:9988
             not heard from the probe p2:9988: no answer in 2000 ms
  phases     leaderGone 0 ms
             writable 62 ms
  jobs       promote: failed (no space left), 49 ms
  before it  standby.following: this node follows the leader
               leader=node2
  decided    race.acquire: nobody is ahead of this node
               myLsn=0/5000000

2026-11-25 20:13:51.123  leader: node2 -> -
`,
  );
  assert.equal(JSON.parse((await show('last', { format: 'json' })).out).id, cut.id);
  assert.match((await show('last', { format: 'yaml' })).out, /^atRisk: null\nbefore:\n/);
  const rows = (await show('20261125', { format: 'tsv' })).out.split('\n').map((row) => row.split('\t'));
  assert.ok(rows.slice(0, -1).every((row) => row.length === 2));
  assert.deepEqual(rows.slice(0, 3), [
    ['Name', 'Text'],
    ['id', promotion.id],
    ['kind', 'promotion'],
  ]);
  assert.deepEqual(
    rows.filter(([name]) => name === 'phases' || name === 'journal').map(([, text]) => text),
    ['leaderGone 0 ms', 'writable 62 ms', '2026-11-25 20:13:51.123 leader: node2 -> -'],
  );
  assert.equal((await show('2026')).error, `several begin with 2026: ${promotion.id}, ${cut.id}`);
  assert.equal((await show('1999')).error, 'there is no incident 1999');
});

test('incidents of another member, and of this node whose folder cannot be read, come from the agent', async () => {
  const other = await show('last', { member: 'node2', format: 'json' }, { agents });
  assert.deepEqual(
    other.asked.map(({ url }) => url),
    ['http://127.0.0.1:18009/incidents', `http://127.0.0.1:18009/incidents/${cut.id}`],
  );
  assert.equal(JSON.parse(other.out).evidence.length, 1);
  const own = await list({ format: 'tsv' }, { files: {}, agents });
  assert.equal(own.out.split('\n').length, 4);
  assert.equal(
    (await list({}, { files: {} })).error,
    'the agent does not answer (dead), and /state/incidents cannot be read',
  );
  assert.equal(
    (await list({ member: 'node2' })).error,
    'the agent of node2 does not answer (dead): run this on that node',
  );
  assert.equal((await list({ member: 'nodeX' })).error, 'Member nodeX does not exist in cluster demo');
});

test('a bound on what is at risk is told as one, with the commits that were counted: in the list as in the detail', async () => {
  const tell = async (atRisk: Incident['atRisk']): Promise<readonly string[]> => {
    const place = { files: { '/state/incidents/20261125-201351-123.json': JSON.stringify({ ...promotion, atRisk }) } };
    const [, line = ''] = (await list({ format: 'tsv' }, place)).out.split('\n');
    const detail = /^ {2}at risk +(.*)$/m.exec((await show('last', {}, place)).out)?.[1] ?? '';
    return [line.split('\t')[6] ?? '', detail];
  };
  assert.deepEqual(await tell({ bytes: 15_936_928, atMost: true, transactions: 0, how: 'of WAL here' }), [
    '0 commits in at most 15936928',
    'at most 15936928 bytes, 0 committed transactions, of WAL here',
  ]);
  assert.deepEqual(await tell({ bytes: 128, atMost: true, how: 'of WAL here' }), [
    'at most 128',
    'at most 128 bytes, transactions not counted, of WAL here',
  ]);
  assert.deepEqual(await tell({ bytes: 0, how: 'of what the old leader had told' }), [
    '0',
    '0 bytes of what the old leader had told',
  ]);
});
