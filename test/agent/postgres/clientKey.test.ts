import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Login } from '../../../src/model/settings.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise } from './node.ts';
import { done, streams } from './waits.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

const secret = 'what opens the key';

/** Standbys that show a certificate, whose key is encrypted: the password of the key is on no command line. */
describe('a client key with a password', () => {
  const folder = makeFolder();
  const certificate = (name: string, subject: string, key: readonly string[]): string => {
    const path = `${folder.path}/${name}`;
    const files = ['-keyout', `${path}.key`, '-out', `${path}.crt`, '-subj', `/CN=${subject}`];
    execFileSync('openssl', ['req', '-new', '-x509', '-days', '2', '-newkey', 'rsa:2048', ...key, ...files], {
      stdio: 'ignore',
    });
    return path;
  };
  const server = certificate('server', 'localhost', ['-nodes']);
  const client = certificate('client', 'replicator', ['-passout', `pass:${secret}`]);
  const n1 = makeNode(folder.path, 'n1', 19_717, {
    ssl: 'on',
    ssl_cert_file: `${server}.crt`,
    ssl_key_file: `${server}.key`,
    ssl_ca_file: `${client}.crt`,
  });
  const n2 = makeNode(folder.path, 'n2', 19_718);
  after(async () => {
    for (const node of [n1, n2]) await node.end();
    folder.remove();
  });

  test('opens for a copy and for a stream, and is seen in no process title', async () => {
    const hba = ['hostssl replication replicator 127.0.0.1/32 cert', 'host all all 127.0.0.1/32 md5'];
    Object.assign(n1.settings.local.bootstrap as { pgHba: readonly string[] }, { pgHba: hba });
    const ssl = { sslmode: 'require', sslcert: `${client}.crt`, sslkey: `${client}.key`, sslpassword: secret };
    const replication: Login = { username: 'replicator', password: null, ssl };
    Object.assign(n2.settings.local.postgres as { replication: Login }, { replication });
    await done(n1.perform({ kind: 'bootstrap' }));

    const titles = new Set<string>();
    const looking = setInterval(() => {
      for (const one of titlesOf(/pg_basebackup/)) titles.add(one);
    }, 5);
    await done(n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise }));
    clearInterval(looking);
    assert.ok(titles.size > 0, 'it was seen');
    assert.deepEqual(
      [...titles].filter((title) => title.includes(secret)),
      [],
    );
    assert.equal(statSync(`${n2.settings.local.stateDir}/pg_service.conf`).mode & 0o777, 0o600);

    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
    assert.deepEqual(
      titlesOf(/./).filter((title) => title.includes(secret)),
      [],
    );
  });
});

function titlesOf(wanted: RegExp): readonly string[] {
  const titles: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (wanted.test(title)) titles.push(title);
    } catch {
      // it has ended meanwhile
    }
  return titles;
}
