import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFailsafe } from '../../src/agent/failsafe/failsafe.ts';
import type { HeldLease } from '../../src/model/cluster.ts';
import type { FailsafeMap } from '../../src/model/failsafe.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, later } from '../../src/model/units.ts';
import type { HttpReply } from '../../src/model/world.ts';
import { leading, standby, withSettings } from '../decide/values.ts';

const map: FailsafeMap = { n1: 'http://n1:8008/patroni', n2: 'http://n2:8008/patroni', n3: 'http://n3:8008/patroni' };

/** A primary that asks, behind an HTTP that answers when it is told to; time passes as it sleeps. */
function asker() {
  let nowMs: number = leading.nowMs;
  let known: FailsafeMap = map;
  let lease: HeldLease = leading.held as HeldLease;
  let seen: Observation = withSettings(leading, { cluster: { failsafeMode: true } });
  const asked: { readonly at: string; readonly body: string; readonly answer: (reply: HttpReply) => void }[] = [];
  const wakes: string[] = [];
  const clock = {
    now: () => instantMs(nowMs),
    sleep(ms: number) {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const http = {
    request: (url: string, { body = '' }: { readonly body?: string }) =>
      new Promise<HttpReply>((answer) => void asked.push({ at: new URL(url).hostname, body, answer })),
  };
  const dcs = {
    held: () => lease,
    failsafeMap: () => known,
    tried: () => [],
    extend(_: unknown, sentMs: number) {
      lease = { ...lease, sentMs: instantMs(sentMs), deadlineMs: later(instantMs(sentMs), 20_000), byMembers: true };
      return lease;
    },
  };
  const look = (): Observation => ({ ...seen, failsafe: { ...seen.failsafe, map: known } });
  const parts = {
    stateDir: '/nowhere',
    ttlMs: () => 30_000,
    dcs,
    seen: look,
    extended: () => Promise.resolve(),
    note: () => {},
    wake: (reason: string) => void wakes.push(reason),
  };
  const failsafe = makeFailsafe(
    { clock, http, files: {} } as unknown as Parameters<typeof makeFailsafe>[0],
    parts as unknown as Parameters<typeof makeFailsafe>[1],
  );
  return {
    failsafe,
    asked,
    wakes,
    lease: () => lease,
    list(now: FailsafeMap): void {
      known = now;
    },
    renewed(): void {
      lease = { ...lease, sentMs: instantMs(nowMs), deadlineMs: later(instantMs(nowMs), 20_000) };
    },
    see(now: Partial<Observation>): void {
      seen = { ...seen, ...now };
    },
    pass(ms: number): void {
      nowMs += ms;
    },
    /** Answers all that are asked now. */
    async answer(text: (at: string) => string): Promise<void> {
      for (const { at, answer } of asked.splice(0))
        answer({ kind: 'answered', status: text(at) === 'Accepted' ? 200 : 503, headers: {}, body: text(at) });
      await new Promise((resolve) => setImmediate(resolve));
    },
    names: () => asked.map(({ at }) => at),
  };
}

test('whoever refuses is asked again, with all others, and the loop hears of each round', async () => {
  const { failsafe, answer, names, wakes, lease } = asker();
  failsafe.ask();
  failsafe.ask();
  assert.deepEqual(names(), ['n2', 'n3'], 'once, however often it is told to');
  const first = lease().sentMs;
  await answer((at) => (at === 'n2' ? 'Accepted' : 'has just begun'));
  assert.deepEqual(failsafe.view().last?.refusals, [{ member: 'n3', why: 'has just begun' }]);
  assert.equal(wakes.length, 1);
  assert.deepEqual(names(), ['n2', 'n3']);
  assert.equal(lease().sentMs, first);
  await answer(() => 'Accepted');
  assert.ok(lease().byMembers);
  assert.deepEqual([failsafe.view().askingSinceMs, failsafe.view().last?.refusals], [null, []]);
  assert.equal(wakes.length, 2);
  assert.deepEqual(names(), []);
});

test('whoever comes onto the list while the others are asked has promised nothing: it is asked, too', async () => {
  const { failsafe, answer, names, list, lease } = asker();
  const four = { ...map, n4: 'http://n4:8008/patroni' };
  failsafe.ask();
  list(four);
  await answer(() => 'Accepted');
  assert.equal(lease().byMembers, undefined);
  assert.deepEqual(failsafe.view().last?.refusals, [{ member: 'n4', why: 'came onto the list meanwhile' }]);
  assert.deepEqual(names(), ['n2', 'n3', 'n4']);
  list(map);
  await answer(() => 'Accepted');
  assert.ok(lease().byMembers, 'who left the list has promised for nothing');
});

test('each question tells how far this primary is then; what was renewed, or is of no use any more, is asked no further', async () => {
  const end = (body: string): unknown => JSON.parse(body).matriarch?.lsn;
  for (const ends of ['renewed', 'no primary', 'over'] as const) {
    const { failsafe, asked, answer, names, see, renewed, pass } = asker();
    failsafe.ask();
    const [first] = asked;
    const { postgres } = leading;
    assert.ok(postgres.kind === 'running' && postgres.role === 'primary');
    see({ postgres: { ...postgres, flushLsn: (postgres.flushLsn + 4_096n) as typeof postgres.flushLsn } });
    await answer(() => 'not yet');
    assert.notEqual(end(asked[0]?.body ?? '{}'), end(first?.body ?? '{}'));
    if (ends === 'renewed') {
      pass(1);
      renewed();
    } else if (ends === 'no primary') see({ postgres: standby });
    else pass(600_000);
    await answer(() => 'not yet');
    assert.deepEqual(names(), [], ends);
    assert.equal(failsafe.view().askingSinceMs, null, ends);
  }
});
