import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Caller, makeAccess } from '../../src/api/access.ts';
import type { RestSettings } from '../../src/model/settings.ts';
import { leading } from '../decide/values.ts';
import { fakeAgent } from './handles.ts';
import { serve } from './serve.ts';

const { rest } = leading.settings.local;
const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;
const caller: Caller = {
  method: 'POST',
  path: '/restart',
  address: '10.0.0.9',
  authorization: undefined,
  certified: false,
};
/** Code and text of the refusal; null when let through. */
async function refusal(settings: Partial<RestSettings>, given: Partial<Caller>, members: readonly string[] = []) {
  const reply = await makeAccess({ ...rest, ...settings }, () => members)({ ...caller, ...given });
  return reply?.kind === 'text' ? `${reply.status} ${reply.text}` : reply;
}

test('only what changes something is guarded', async () => {
  const closed = { authentication: { username: 'u', password: 'p' }, allowlist: ['192.0.2.1'] };
  for (const method of ['GET', 'HEAD', 'OPTIONS']) assert.equal(await refusal(closed, { method }), null);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE'])
    assert.equal(await refusal(closed, { method }), '403 Access is denied');
});

test('the password must be exactly that', async () => {
  const authentication = { username: 'u', password: 'p' };
  assert.equal(await refusal({ authentication }, {}), '401 no auth header received');
  for (const authorization of [basic('u:q'), basic('u:p').toLowerCase(), 'Bearer x', ''])
    assert.equal(await refusal({ authentication }, { authorization }), '401 not authenticated', authorization);
  assert.equal(await refusal({ authentication }, { authorization: basic('u:p') }), null);
});

test('the allowlist holds addresses, networks, names, and members when told so', async () => {
  const allowlist = ['10.0.0.0/24', '2001:db8::/32', '192.0.2.7', 'localhost', 'no.such.name.invalid', 'nonsense/99'];
  const table: readonly [address: string, isIn: boolean][] = [
    ['10.0.0.9', true],
    ['::ffff:10.0.0.9', true],
    ['10.0.1.9', false],
    ['2001:db8::5', true],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['127.0.0.1', true],
  ];
  for (const [address, isIn] of table)
    assert.equal((await refusal({ allowlist }, { address })) === null, isIn, address);
  const members = { allowlistIncludeMembers: true };
  assert.equal(await refusal(members, { address: '192.0.2.9' }, ['192.0.2.9']), null);
  assert.equal(await refusal(members, { address: '192.0.2.8' }, ['192.0.2.9']), '403 Access is denied');
});

test('POST /failsafe is asked while etcd is away: who are members, which etcd tells, does not matter to it', async () => {
  for (const path of ['/failsafe', '/failsafe/x', '/failsafe?x=1']) {
    assert.equal(await refusal({ allowlistIncludeMembers: true }, { path, address: '192.0.2.9' }, []), null, path);
    // Where addresses are listed by hand, they count.
    const listed = { allowlist: ['192.0.2.1'], allowlistIncludeMembers: true };
    assert.equal(await refusal(listed, { path, address: '192.0.2.1' }, []), null, path);
    assert.equal(await refusal(listed, { path, address: '192.0.2.9' }, ['192.0.2.9']), '403 Access is denied', path);
  }
});

test('a certificate is demanded of whoever changes something', async () => {
  const tls = { certFile: '', keyFile: null, keyPassword: null, caFile: null, ciphers: null } as const;
  const wanted = { tls: { ...tls, verifyClient: 'optional' } } as const;
  assert.equal(await refusal(wanted, {}), '403 client certificate required');
  assert.equal(await refusal(wanted, { certified: true }), null);
  assert.equal(await refusal({ tls: { ...tls, verifyClient: 'none' } }, {}), null);
});

test('no page of another site changes anything, with whatever a browser remembers', async (t) => {
  const agent = fakeAgent(leading);
  const at = await serve(t, agent, { authentication: { username: 'u', password: 'p' } });
  const post = (headers: Record<string, string>) =>
    fetch(`${at}/switchover`, { method: 'POST', body: '{}', headers: { authorization: basic('u:p'), ...headers } });
  for (const origin of ['http://evil.example', 'null', `${at}0`]) {
    const refused = await post({ origin });
    assert.deepEqual([refused.status, await refused.text()], [403, 'asked from another site than this page'], origin);
  }
  assert.equal((await post({})).status, 400, 'what is no browser tells no origin');
  assert.equal((await post({ origin: at })).status, 400);
  const proxied = { origin: 'https://ha.example', 'x-forwarded-host': 'ha.example' };
  assert.equal((await post(proxied)).status, 400, 'a proxy tells how it was asked');
});

test('over HTTP a refusal comes before the body is judged, and says who may', async (t) => {
  const agent = fakeAgent(leading);
  const at = await serve(t, agent, { authentication: { username: 'u', password: 'p' } });
  const body = '[';
  const refused = await fetch(`${at}/config`, { method: 'PATCH', body });
  assert.deepEqual([refused.status, await refused.text()], [401, 'no auth header received']);
  assert.equal(refused.headers.get('www-authenticate'), 'Basic realm="Patroni"');
  const allowed = await fetch(`${at}/config`, { method: 'PATCH', body, headers: { authorization: basic('u:p') } });
  assert.equal(allowed.status, 400);
  assert.equal((await fetch(`${at}/primary`)).status, 200);
});
