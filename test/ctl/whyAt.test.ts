import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { UsageError } from '../../src/ctl/problem.ts';
import { readMoment } from '../../src/ctl/time.ts';
import { type WhyAtOptions, whyAt } from '../../src/ctl/whyAt.ts';
import { answer, type PlaceOptions, runAt } from './support/place.ts';
import { demo } from './support/sample.ts';

const decided = (rule: string, time: string, passed: readonly string[] = []): string =>
  JSON.stringify({
    kind: 'decided',
    wall: `2026-01-01T${time}Z`,
    rule,
    reason: `because of ${rule}`,
    because: [['leader', 'n1']],
    passed,
    actions: [],
    seen: { postgres: 'running standby' },
  });
const changed = (time: string): string =>
  JSON.stringify({ kind: 'changed', wall: `2026-01-01T${time}Z`, what: 'leader', from: 'n1', to: '-', because: [] });

const files = {
  '/state/journal.jsonl.1': `${decided('standby.following', '10:00:00.000', ['paused', 'data.foreign'])}\n`,
  '/state/journal.jsonl': [changed('10:00:05.000'), decided('race.acquire', '10:00:07.500'), ''].join('\n'),
};
const ask = (
  at: string,
  options: Partial<PlaceOptions> = {},
  format: WhyAtOptions['format'] = 'pretty',
  member: string | null = null,
) => runAt({ cluster: () => demo, files, ...options }, (ctl) => whyAt(ctl, { member, at, format }));

test('why --at: the decision in force then, what its rules passed over and why, what happened since, what came next', async () => {
  const { out } = await ask('2026-01-01 10:00:06.000');
  assert.equal(
    out,
    `At 2026-01-01 10:00:06.000 UTC this decision was 6.0 s old:
2026-01-01 10:00:00.000  standby.following: because of standby.following
    because      leader=n1
    seen         postgres=running standby
    asked before, in this order, and not the case:
      paused        people are at work
      data.foreign
Since then:
2026-01-01 10:00:05.000  leader: n1 -> -
The next decision:
2026-01-01 10:00:07.500  race.acquire: because of race.acquire
    because      leader=n1
    seen         postgres=running standby
`,
  );
  const json = JSON.parse((await ask('2026-01-01T11:00:06+01:00', {}, 'json')).out);
  assert.equal(json.decided.rule, 'standby.following');
  assert.deepEqual(parse((await ask('2026-01-01T11:00:06+01:00', {}, 'yaml')).out), json);
  const rows = (await ask('2026-01-01 10:00:06.000', {}, 'tsv')).out.split('\n').map((row) => row.split('\t'));
  assert.deepEqual(
    rows.map(([place, time, , rule]) => [place, time, rule]),
    [
      ['Place', 'Time (UTC)', 'Rule'],
      ['decided', '2026-01-01 10:00:00.000', 'standby.following'],
      ['since', '2026-01-01 10:00:05.000', ''],
      ['next', '2026-01-01 10:00:07.500', 'race.acquire'],
      ['', undefined, undefined],
    ],
  );
});

test('why --at: a moment that is still to come is refused, and not told as an agent that stood still', async () => {
  await assert.rejects(
    ask('2099-01-01T00:00Z'),
    (error) =>
      error instanceof UsageError &&
      /^'--at': 2099-01-01 00:00:00\.000 UTC is still to come \(it is 2026-\S+ \S+ UTC\)/.test(error.message),
  );
  // A machine whose clock is ahead has written of it.
  const ahead = {
    '/state/journal.jsonl': `${decided('a', '10:00:00.000')}\n${changed('10:00:00.000').replace('2026', '2099')}`,
  };
  assert.match((await ask('2098-01-01T00:00Z', { files: ahead })).out, /2026-01-01 10:00:00\.000 {2}a:/);
});

test('why --at: before the journal, after it, over an agent that was dead, and nonsense', async () => {
  assert.equal(
    (await ask('2026-01-01T09:00Z')).error,
    'nothing was decided then: the journal begins at 2026-01-01T10:00:00.000Z',
  );
  assert.equal(
    (await ask('2026-01-01T09:00Z', { files: { '/state/journal.jsonl': '' } })).error,
    'nothing was decided then: the journal is empty',
  );
  const late = await ask('2026-01-01T10:10Z');
  assert.match(
    late.out,
    /^At .*\nAn agent at work decides more often than that: it was not running, or stood still\.\n/,
  );
  await assert.rejects(ask('yesterday'), /'yesterday' is no moment/);
});

test('why --at of another member asks its agent; of this node too, when its files cannot be read', async () => {
  const agents = () => answer(200, decided('leading.promote', '10:00:01.000'));
  const other = await ask('2026-01-01T10:00:02Z', { agents }, 'pretty', 'node2');
  assert.equal(other.asked[0]?.url, 'http://127.0.0.1:18009/journal?limit=1000');
  assert.match(other.out, /leading\.promote/);
  assert.match((await ask('2026-01-01T10:00:02Z', { agents, files: {} })).out, /leading\.promote/);
});

test('a moment is read back as it is printed, and a time of day is the last one', () => {
  const now = Date.parse('2026-03-01T08:00:00.000Z');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: now }), (ms) => {
      const printed = new Date(ms).toISOString();
      for (const text of [printed, printed.replace('T', ' ').replace('Z', '')]) assert.equal(readMoment(text, now), ms);
    }),
  );
  assert.equal(readMoment('07:59:30', now), now - 30_000);
  assert.equal(readMoment('08:00:01.5', now), now - 86_400_000 + 1_500);
  assert.equal(readMoment('2026-03-01T09:00+02:00', now), now - 3_600_000);
  assert.deepEqual(
    ['90s', '5m', '2h ago', '1 d'].map((text) => now - (readMoment(text, now) ?? 0)),
    [90_000, 300_000, 7_200_000, 86_400_000],
  );
  for (const text of ['', 'x', '5', '2026-13-01T00:00', '25:00', '2026-03-01'])
    assert.equal(readMoment(text, now), null, text);
});
