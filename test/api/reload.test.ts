import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { startApi } from '../../src/api/server.ts';
import type { RestSettings } from '../../src/model/settings.ts';
import { makeHttp } from '../../src/world/http.ts';
import { httpOptionsOf } from '../../src/world/httpOptions.ts';
import { leading } from '../decide/values.ts';
import { fakeAgent } from './handles.ts';

const { local } = leading.settings;
const listen = { host: '127.0.0.1', port: 0 };
const withRest = (rest: Partial<RestSettings>) => ({ ...local, rest: { ...local.rest, listen, ...rest } });
const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;

function makeCertificates() {
  const folder = mkdtempSync(join(tmpdir(), 'matriarch-api-'));
  const at = (name: string): string => join(folder, name);
  for (const name of ['first', 'second'])
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'].concat(
        ...[
          '-keyout',
          at(`${name}.pem`),
          '-out',
          at(`${name}.crt`),
          '-subj',
          `/CN=${name}`,
          '-addext',
          'subjectAltName=IP:127.0.0.1',
        ],
      ),
      { stdio: 'ignore' },
    );
  return { folder, at };
}

test('a reload takes over who may change something, and the headers', async (t) => {
  const api = await startApi(fakeAgent(leading), withRest({ authentication: { username: 'u', password: 'old' } }));
  assert.ok(api.kind === 'ok');
  t.after(() => api.close());
  const at = `http://127.0.0.1:${api.port}`;
  const ask = async (login: string): Promise<number> =>
    (await fetch(`${at}/switchover`, { method: 'POST', body: '{}', headers: { authorization: basic(login) } })).status;
  assert.deepEqual([await ask('u:old'), await ask('u:new')], [400, 401]);
  const authentication = { username: 'u', password: 'new' };
  assert.deepEqual(api.adopt(withRest({ authentication, httpExtraHeaders: { 'x-site': 'a' } })), []);
  assert.deepEqual([await ask('u:old'), await ask('u:new')], [401, 400], 'the old password opens nothing any more');
  assert.equal((await fetch(`${at}/patroni`)).headers.get('x-site'), 'a');
  api.adopt(withRest({ authentication, allowlist: ['192.0.2.1'] }));
  assert.equal(await ask('u:new'), 403);
});

test('what only a new start takes over is told', async (t) => {
  const api = await startApi(fakeAgent(leading), withRest({}));
  assert.ok(api.kind === 'ok');
  t.after(() => api.close());
  const told = api.adopt(withRest({ listen: { host: '127.0.0.1', port: 1 } }));
  assert.deepEqual(told, ['restapi.listen was changed: that counts when this agent is started anew']);
});

test('a reload takes over a certificate that was renewed; one that can not be used leaves the one before', async (t) => {
  const { at, folder } = makeCertificates();
  const use = (name: string): void => {
    copyFileSync(at(`${name}.pem`), at('server.key'));
    copyFileSync(at(`${name}.crt`), at('server.crt'));
  };
  use('first');
  const tls = {
    certFile: at('server.crt'),
    keyFile: at('server.key'),
    keyPassword: null,
    caFile: null,
    ciphers: null,
    verifyClient: 'none',
  } as const;
  const api = await startApi(fakeAgent(leading), withRest({ tls }));
  assert.ok(api.kind === 'ok');
  t.after(async () => {
    await api.close();
    rmSync(folder, { recursive: true });
  });
  const shown = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: api.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
      socket.on('error', reject);
    });
  assert.equal(await shown(), 'first');
  use('second');
  assert.deepEqual(api.adopt(withRest({ tls })), []);
  assert.equal(await shown(), 'second');
  writeFileSync(at('server.key'), 'no key');
  assert.match(api.adopt(withRest({ tls })).join(), /^restapi: the certificates were not taken over/);
  assert.equal(await shown(), 'second');
});

test('agents take each other for who they are without a CA, and verify where ctl.cacert names one', async (t) => {
  const { at, folder } = makeCertificates();
  const tls = {
    certFile: at('first.crt'),
    keyFile: at('first.pem'),
    keyPassword: null,
    caFile: at('second.crt'),
    ciphers: null,
    verifyClient: 'none',
  } as const;
  const api = await startApi(fakeAgent(leading), withRest({ tls }));
  assert.ok(api.kind === 'ok');
  t.after(async () => {
    await api.close();
    rmSync(folder, { recursive: true });
  });
  const ask = async (cacert: string | null, insecure = false) => {
    const http = makeHttp(httpOptionsOf({ ...withRest({ tls }), ctl: { ...local.ctl, cacert, insecure } }));
    return (await http.request(`https://127.0.0.1:${api.port}/patroni`, { method: 'GET', limitMs: 5_000 })).kind;
  };
  assert.equal(await ask(null), 'answered');
  assert.equal(await ask(at('second.crt')), 'silent');
  assert.equal(await ask(at('second.crt'), true), 'answered');
  assert.equal(await ask(at('first.crt')), 'answered');
});
