import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spacedJson } from '../../src/codec/rest/json.ts';
import { rehearsalDocument } from '../../src/codec/rest/rehearsal.ts';
import { rehearse, whyNot } from '../../src/ctl/rehearse.ts';
import { rehearse as play } from '../../src/decide/rehearse/rehearse.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Load } from '../../src/model/rehearsal.ts';
import { noPast } from '../../src/model/rehearsal.ts';
import { lsn } from '../../src/model/units.ts';
import { leading, peer } from '../decide/values.ts';
import { type Asked, answer, type PlaceOptions, runAt } from './support/place.ts';
import { demo } from './support/sample.ts';

const cluster = () => demo;
const here = lsn('0/5000100');
const far = lsn('0/4000100');

/** What the agent of n1 would answer, with these peers. */
const documentOf = (
  peers: Observation['peers'],
  promotionsMs: readonly number[] = [400],
  load: Load | null = null,
): string => {
  const played = play({ ...leading, peers }, { without: ['n1'], marginMs: 5_000, past: { ...noPast, promotionsMs } });
  if ('kind' in played) assert.fail('unknown names');
  return spacedJson(rehearsalDocument(played, { name: 'n1', ageMs: 120 }, load));
};
const load = { clients: 12, inTransaction: 3, sinceCheckpoint: { transactions: 1_000, walBytes: 64_000 } };
const both = [peer('n2', here), peer('n3', lsn('0/5000080'))];
const run = (
  options: Partial<PlaceOptions>,
  without: readonly string[] = [],
  format: 'pretty' | 'tsv' | 'json' | 'yaml' = 'pretty',
) =>
  runAt({ cluster, agents: () => answer(200, documentOf(both)), ...options }, (ctl) => rehearse(ctl, without, format));

test('rehearse: one sentence, the time by phase, every member and what speaks against it', async () => {
  const { out, asked } = await run({});
  assert.equal(asked[0]?.url, 'http://127.0.0.1:18008/rehearse?fresh=1', 'the leader is asked first');
  assert.equal(
    out,
    `Without n1: n2 takes over after about 25.7 s; 0 bytes at risk

  phase          least   typical      most
  lease         20.0 s    25.3 s    33.5 s  until etcd gives the leader key of n1 away: its ttl of 30 s, less what has passed since it was renewed; a whole one anew if etcd's leader goes, too
  race           0.0 s     0.0 s     0.0 s  until one of those that are left has the key
  promotion      0.4 s     0.4 s     0.4 s  until PostgreSQL accepts writes, by the one promotion that this agent has seen

  n2            takes over  at 0/5000100, 0 bytes behind
  n3            goes later  at 0/5000080, 128 bytes behind
    race.peerAhead: a member is further ahead: it goes first, for a bounded time
      because  peer=n2, itsLsn=0/5000100, myLsn=0/5000080, answers=true, waitedMs=0, limitMs=5000

Played by the decision core of n1, from what it saw, 0.1 s ago. Nothing was changed.
`,
  );
});

test('rehearse: json, yaml and tsv say the same', async () => {
  const json = JSON.parse((await run({}, [], 'json')).out);
  assert.deepEqual(json.outcome, { kind: 'takes_over', winner: 'n2', equals: [] });
  assert.equal(json.bytes_at_risk, 0);
  assert.match(
    (await run({}, [], 'yaml')).out,
    /^answer: .*\n(.*\n)*outcome:\n {2}equals: \[\]\n {2}kind: takes_over\n/,
  );
  const rows = (await run({}, [], 'tsv')).out
    .trimEnd()
    .split('\n')
    .map((row) => row.split('\t'));
  assert.deepEqual(
    rows.map((row) => row.slice(0, 5)),
    [
      ['Member', 'Verdict', 'Position', 'Behind bytes', 'Rule'],
      ['n2', 'takes over', '0/5000100', '0', ''],
      ['n3', 'goes later', '0/5000080', '128', 'race.peerAhead'],
    ],
  );
});

test('rehearse: names are passed on, several ways; an unknown one is refused with those that there are', async () => {
  const { asked } = await run({}, ['node1,etcd', 'zone=a b']);
  assert.equal(asked[0]?.url, 'http://127.0.0.1:18008/rehearse?fresh=1&without=node1,etcd,zone%3Da%20b');
  const refusal = '{"error": "no member, and no tag of one: n9", "members": ["n1", "n2"]}';
  const { error, asked: twice } = await run({ agents: () => answer(404, refusal) }, ['n9']);
  assert.equal(error, 'no member, and no tag of one: n9 (members: n1, n2)');
  assert.equal(twice.length, 1, 'nobody else would know better');
});

test('rehearse: a dead agent is passed over, and nobody at all is an error with every reason', async () => {
  const onlySecond = ({ url }: Asked) =>
    url.includes(':18009/') ? answer(200, documentOf(both)) : ({ kind: 'silent', why: 'refused' } as const);
  assert.match((await run({ agents: onlySecond })).out, /^Without n1: n2 takes over/);
  const patroniLeads = ({ url }: Asked) =>
    answer(200, url.includes(':18009/') ? documentOf(both) : '{"state": "running", "role": "primary"}');
  assert.match((await run({ agents: patroniLeads })).out, /^Without n1: n2 takes over/);
  const old = await run({ agents: () => answer(503, '{"state": "running"}') });
  assert.equal(old.error, 'no agent answers (node1: status 503; node2: status 503)');
  assert.equal((await run({ agents: undefined as never })).error, 'no agent answers (node1: dead; node2: dead)');
});

test('rehearse: who is cut, and that the number of transactions is an estimate', async () => {
  const { out } = await run({ agents: () => answer(200, documentOf([peer('n2', lsn('0/50000C0'))], [400], load)) });
  assert.match(out, /; 64 bytes at risk, about 1 transaction; 12 clients are cut, 3 in a transaction\n/);
  assert.match(
    out,
    /\nTransactions are estimated: since the last checkpoint there were 1000 that wrote, in 64000 bytes of WAL\.\n/,
  );
});

test('rehearse: without etcd the agent of this node is asked at the address of its file', async () => {
  const broken = { read: async () => ({ kind: 'unreachable', why: 'no endpoint answers' }) as const };
  const { out, asked, error } = await runAt({ cluster, agents: () => answer(200, documentOf(both)) }, (ctl) =>
    rehearse({ ...ctl, door: { ...ctl.door, ...broken } }, [], 'pretty'),
  );
  assert.equal(error, null);
  assert.match(out, /^Without n1/);
  assert.equal(asked[0]?.url, 'http://127.0.0.1:18008/rehearse?fresh=1');
});

test('why-not: the rules that speak against a member, and those that do not', async () => {
  const peers = [peer('n2', here), peer('n3', far, { nofailover: true })];
  const ask = (name: string, format: 'pretty' | 'json' = 'pretty') =>
    runAt({ cluster, agents: () => answer(200, documentOf(peers)) }, (ctl) => whyNot(ctl, name, format));
  const { out } = await ask('n3');
  const lines = out.split('\n');
  assert.equal(lines[0], 'n1 leads. Without n1: n2 takes over after about 25.7 s; 0 bytes at risk');
  assert.match(lines[1] ?? '', /^ {2}n3 +may not {2}at 0\/4000100, 16777216 bytes behind$/);
  assert.equal(lines[2], '    race.notEligible: this node may not lead');
  assert.match(
    lines[3] ?? '',
    /^ {6}because {2}nofailover=true, lagBytes=16777216, maximumLagBytes=1048576, statusAgeMs=2\d{4}$/,
  );
  assert.match(out, /\n {4}race\.peerAhead: /);
  assert.match(out, /\n {2}has nothing against it: race\.paused, /);
  assert.match((await ask('n2')).out, /\n {2}no rule speaks against n2\n/);
  assert.equal((await ask('n1')).out, 'n1 leads already.\n');
  assert.equal((await ask('n9')).error, 'Member n9 does not exist in cluster demo (members: n1, n2, n3)');
  assert.equal(JSON.parse((await ask('n3', 'json')).out).standing.verdict, 'may not');
});

test('why-not asks the member itself first', async () => {
  const { asked } = await runAt({ cluster, agents: () => answer(200, documentOf(both)) }, (ctl) =>
    whyNot(ctl, 'node2', 'json'),
  );
  assert.equal(asked[0]?.url, 'http://127.0.0.1:18009/rehearse?fresh=1');
});
