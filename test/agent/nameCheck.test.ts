import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeNameCheck } from '../../src/agent/nameCheck.ts';
import type { HttpReply } from '../../src/model/world.ts';
import { following, leading, unreachable, withCluster } from '../decide/values.ts';

const check = (reply: HttpReply) => {
  const asked: string[] = [];
  const http = {
    request(url: string) {
      asked.push(url);
      return Promise.resolve(reply);
    },
  };
  return { asked, ask: makeNameCheck({ http }, { name: 'n1', instance: 'abc' }) };
};
const answers = (body: string): HttpReply => ({ kind: 'answered', status: 200, headers: {}, body });

test('with etcd away at the start the name is checked when etcd first answers, and once [B-7]', async () => {
  const { asked, ask } = check(answers('{"state":"running"}'));
  assert.deepEqual(await ask(unreachable(leading).dcs), { kind: 'unchecked' });
  assert.deepEqual(asked, []);
  assert.equal((await ask(leading.dcs)).kind, 'inUse');
  assert.equal((await ask(leading.dcs)).kind, 'inUse');
  assert.deepEqual(asked, ['http://n1:8008/patroni']);
});

test('who is silent, or is this very agent, does not hold the name; who was not asked proves nothing', async () => {
  assert.deepEqual(await check({ kind: 'silent', why: 'refused' }).ask(following.dcs), { kind: 'free', asked: true });
  assert.deepEqual(await check(answers('{"matriarch":{"instance":"abc"}}')).ask(following.dcs), {
    kind: 'free',
    asked: true,
  });
  const alone = withCluster(leading, { members: [] });
  assert.deepEqual(await check(answers('')).ask(alone.dcs), { kind: 'free', asked: false });
});
