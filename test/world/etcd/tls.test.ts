import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeEtcdTransport } from '../../../src/world/etcd/transport.ts';
import { startEtcd, type TestEtcd } from '../../support/etcd.ts';

const directory = mkdtempSync(join(tmpdir(), 'matriarch-tls-'));
const at = (name: string): string => join(directory, name);
const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
let etcd: TestEtcd;

before(async () => {
  authority('ca');
  authority('stranger');
  certificate('server', 'IP:127.0.0.1');
  certificate('client', 'DNS:client');
  const args = ['--cert-file', at('server.pem'), '--key-file', at('server.key'), '--trusted-ca-file', at('ca.pem')];
  etcd = await startEtcd({ members: 1, scheme: 'https', args: [...args, '--client-cert-auth'] });
});
after(async () => {
  await etcd.stop();
  rmSync(directory, { recursive: true, force: true });
});

const ask = async (tls: Parameters<typeof makeEtcdTransport>[0]['tls']) => {
  const transport = makeEtcdTransport({ tls });
  const url = etcd.urls[0] ?? '';
  const reply = await transport.call(url, 'range', { key: 'a' }, 3_000, null);
  transport.cut(url);
  return reply;
};

test('with a client certificate etcd answers; the name in its own certificate may be an address', async () => {
  const tls = { ca: at('ca.pem'), cert: at('client.pem'), key: at('client.key') };
  let reply = await ask(tls);
  // The port is open before the only member has elected itself.
  for (let tries = 0; tries < 50 && reply.kind !== 'answered'; tries++) reply = await ask(tls);
  assert.equal(reply.kind, 'answered');
});

test('without one, with a strange authority or a missing file there is no answer, and a reason', async () => {
  const none = await ask({ ca: at('ca.pem'), cert: null, key: null });
  assert.ok(none.kind === 'unsent' || none.kind === 'lost');
  const strange = await ask({ ca: at('stranger.pem'), cert: at('client.pem'), key: at('client.key') });
  assert.ok(strange.kind === 'unsent' && /certificate/.test(strange.why), JSON.stringify(strange));
  const missing = await ask({ ca: at('nothing.pem'), cert: null, key: null });
  assert.ok(missing.kind === 'unsent' && /nothing\.pem/.test(missing.why));
});

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
}

function authority(name: string): void {
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
    '-subj',
    `/CN=${name}`,
    '-days',
    '2',
  );
}

function certificate(name: string, subject: string): void {
  openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
  writeFileSync(at(`${name}.ext`), `subjectAltName=${subject}\nextendedKeyUsage=serverAuth,clientAuth\n`);
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    ...signer,
    '-out',
    `${name}.pem`,
    '-days',
    '2',
    '-extfile',
    `${name}.ext`,
  );
}
