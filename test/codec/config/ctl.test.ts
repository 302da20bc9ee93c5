import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CtlSettings, readCtlConfig } from '../../../src/codec/config/ctl.ts';
import { small, tutorial } from './sample.ts';

function good(text: string, env: Readonly<Record<string, string>> = {}): CtlSettings {
  const read = readCtlConfig(text, 'ctl.yml', env);
  assert.ok(read.kind === 'settings', read.kind === 'failed' ? read.why : '');
  return read.settings;
}
const why = (text: string, env: Readonly<Record<string, string>> = {}): string => {
  const read = readCtlConfig(text, 'ctl.yml', env);
  return read.kind === 'failed' ? read.why : '';
};

test("an agent's file serves the command line as it is", () => {
  for (const [text, scope, stateDir] of [
    [tutorial, 'stampede', '/var/lib/postgresql/15/.matriarch-main'],
    [small, 'demo', '/var/lib/postgresql/15/.matriarch-main'],
    [`${small}matriarch: { state_dir: /s }\n`, 'demo', '/s'],
  ] as const) {
    const settings = good(text);
    assert.deepEqual(
      [settings.scope, settings.namespace, settings.etcd?.endpoints[0]],
      [scope, 'service', 'http://node1:2379'],
    );
    assert.deepEqual(settings.node, { name: 'node1', api: { host: 'node1', port: 8008 }, stateDir });
  }
});

test('so does a file that says where etcd is and no more, and so do no file and the environment', () => {
  const little = good('etcd3: { host: e1 }\nctl: { cacert: /ca, authentication: { username: u, password: p } }\n');
  assert.deepEqual([little.scope, little.node, little.etcd?.endpoints], [null, null, ['http://e1:2379']]);
  assert.deepEqual([little.ctl.cacert, little.ctl.authentication], ['/ca', { username: 'u', password: 'p' }]);
  const empty = good('');
  assert.deepEqual([empty.scope, empty.etcd], [null, null]);
  const named = good('# nothing\n', { PATRONI_SCOPE: 'demo', PATRONI_ETCD3_HOSTS: 'e1:1,e2:2' });
  assert.deepEqual([named.scope, named.etcd?.endpoints], ['demo', ['http://e1:1', 'http://e2:2']]);
  const secure = good('restapi: { cafile: /rest-ca, certfile: /c }\n');
  assert.deepEqual([secure.restCaFile, secure.rest.tls?.certFile], ['/rest-ca', '/c']);
});

test('what is wrong is named with its place', () => {
  assert.equal(why('scope: [a]\n'), 'ctl.yml:1:1: scope: a text is expected, not a list');
  assert.equal(why('etcd3: {}\n'), 'ctl.yml:1:1: etcd3: no way to find etcd is given: set hosts, host, url or srv');
  assert.equal(
    why('', { PATRONI_CTL_INSECURE: 'x' }),
    'PATRONI_CTL_INSECURE: ctl.insecure: yes or no is expected, not this text',
  );
  assert.match(why('a: {\n'), /^ctl\.yml:2:1: /);
});
