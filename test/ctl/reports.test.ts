import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reports } from '../../src/api/handlers/reports.ts';
import type { IncidentOptions } from '../../src/ctl/incidents.ts';
import { listReports, showReport } from '../../src/ctl/reports.ts';
import type { RepairReport } from '../../src/model/report.ts';
import { fakeAgent } from '../api/handles.ts';
import { leading } from '../decide/values.ts';
import { sampleReport } from '../support/report.ts';
import { type Asked, answer, type PlaceOptions, runAt } from './support/place.ts';
import { demo } from './support/sample.ts';

const broken: RepairReport = {
  ...sampleReport,
  id: '20261127-080000-000',
  state: 'prepared',
  outcome: null,
  deed: 'removal',
  cutShort: 'only the first 64 MB of it were read',
  wal: { ...sampleReport.wal, kept: 'none', files: [], bytes: 0, until: null, why: 'it takes 9 bytes, and 0 are left' },
};
const files = {
  [`/state/reports/${broken.id}.json`]: JSON.stringify(broken),
  [`/state/reports/${sampleReport.id}.json`]: JSON.stringify(sampleReport),
  '/state/reports/20261128-000000-000.json': '{"half',
};
const plain: IncidentOptions = { member: null, format: 'pretty' };
const list = (options: Partial<IncidentOptions> = {}, place: Partial<PlaceOptions> = {}, count = 20) =>
  runAt({ cluster: () => demo, files, ...place }, (ctl) => listReports(ctl, count, { ...plain, ...options }));
const show = (id: string, options: Partial<IncidentOptions> = {}, place: Partial<PlaceOptions> = {}) =>
  runAt({ cluster: () => demo, files, ...place }, (ctl) => showReport(ctl, id, { ...plain, ...options }));
const agents = ({ url }: Asked) => {
  const request = { method: 'GET', path: new URL(url).pathname, query: {}, body: null };
  const reply = reports(request, fakeAgent(leading, { reports: [sampleReport] }));
  return reply.kind === 'json' ? answer(reply.status, JSON.stringify(reply.value)) : assert.fail(reply.kind);
};

test('report: a table from the disk, also when the agent is dead', async () => {
  const { out, asked } = await list();
  assert.deepEqual(asked, []);
  assert.equal(
    out,
    `+---------------------+---------+-------------------------+--------+-------------------------+-------+--------------+-------+-----------------------------+
| ID                  | Deed    | Began (UTC)             | Leader | Fork                    | Bytes | Transactions | WAL   | Outcome                     |
+---------------------+---------+-------------------------+--------+-------------------------+-------+--------------+-------+-----------------------------+
| 20261126-040310-123 | rewind  | 2026-11-26 04:03:10.123 | node2  | 0/3000060 on timeline 1 |  1024 |            2 | whole | rewound                     |
| 20261127-080000-000 | removal | 2026-11-26 04:03:10.123 | node2  | 0/3000060 on timeline 1 |  1024 |   2 and more | none  | not known to be carried out |
+---------------------+---------+-------------------------+--------+-------------------------+-------+--------------+-------+-----------------------------+
`,
  );
  assert.equal((await list({ format: 'tsv' }, {}, 1)).out.split('\n').length, 3);
  assert.equal(JSON.parse((await list({ format: 'json' })).out)[0].id, sampleReport.id);
  assert.match((await list({ format: 'yaml' })).out, /\n {2}id: 20261127-080000-000\n/);
  assert.equal((await list({}, { files: { '/state/journal.jsonl': '' } })).out, 'No reports.\n');
});

test('report show: all of it, and how to look at the WAL that is kept', async () => {
  assert.equal(
    (await show('20261126')).out,
    `20261126-040310-123: rewind of node1, in demo
  began        2026-11-26 04:03:10.123 UTC
  outcome      rewound
  why          rejoin.stopped
                 leader=node2
  leader       node2
  histories    part at 0/3000060 on timeline 1; this node's went on to 0/3000460 on timeline 1
  thrown away  at most 1024 bytes, 2 committed transactions, from 2026-11-26 04:02:00.1 UTC to 2026-11-26 04:02:01.2 UTC
  tables       public.orders in shop: 5 inserted, 2 updated, 1 deleted
               file 1663/5/16390 in shop: 3 inserted, 0 updated, 0 deleted
               names not known: node2 knows no such file: the table was made, or written anew, beyond the fork
  WAL          kept: whole until 2026-12-03 04:03:10.123 UTC
               16777216 bytes in /state/it's/reports/20261126-040310-123.wal; to look at it:
               pg_waldump --path '/state/it'\\''s/reports/20261126-040310-123.wal' --timeline 1 --start 0/3000060
`,
  );
  const { out } = await show('last');
  assert.match(out, /WAL {10}kept: none \(it takes 9 bytes, and 0 are left\)\n$/);
  assert.match(out, /cut short: only the first 64 MB of it were read/);
  assert.equal(JSON.parse((await show('last', { format: 'json' })).out).id, broken.id);
  const rows = (await show('20261126', { format: 'tsv' })).out.split('\n').map((row) => row.split('\t'));
  assert.deepEqual(rows.slice(0, 3), [
    ['Name', 'Text'],
    ['id', sampleReport.id],
    ['deed', 'rewind'],
  ]);
  assert.equal(rows.filter(([name]) => name === 'tables').length, 3);
  assert.equal((await show('1999')).error, 'there is no report 1999');
});

test('reports of another member come from its agent, with their tables', async () => {
  const other = await show('last', { member: 'node2', format: 'json' }, { agents });
  assert.deepEqual(
    other.asked.map(({ url }) => url),
    ['http://127.0.0.1:18009/reports', `http://127.0.0.1:18009/reports/${sampleReport.id}`],
  );
  assert.equal(JSON.parse(other.out).tables.length, 2);
});
