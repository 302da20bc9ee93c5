import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMember, wantsMasterRole, writeMember } from '../../../src/codec/dcs/members.ts';

/** Captured from Patroni 4.1.4 and 3.0.2. */
const captured = [
  '{"conn_url":"postgres://127.0.0.1:15432/postgres","api_url":"http://127.0.0.1:18008/patroni","state":"running","role":"primary","version":"4.1.4","tags":{"clonefrom":true},"xlog_location":50628720,"timeline":2}',
  '{"conn_url":"postgres://127.0.0.1:15433/postgres","api_url":"http://127.0.0.1:18009/patroni","state":"running","role":"replica","version":"4.1.4","tags":{"nofailover":false,"failover_priority":2,"region":"eu"},"xlog_location":50628720,"replay_lsn":50628720,"receive_lsn":50628720,"replication_state":"streaming","timeline":2}',
  '{"conn_url":"postgres://127.0.0.1:1/postgres","api_url":"http://127.0.0.1:2/patroni","state":"running","role":"promoted","version":"4.1.4","checkpoint_after_promote":false,"tags":{"clonefrom":true},"xlog_location":50740024,"timeline":4}',
  '{"conn_url":"postgres://127.0.0.1:1/postgres","api_url":"http://127.0.0.1:2/patroni","state":"stopped","role":"replica","version":"4.1.4","tags":{"clonefrom":true},"pause":true}',
  '{"conn_url":"postgres://127.0.0.1:1/postgres","api_url":"http://127.0.0.1:2/patroni","state":"running","role":"replica","version":"4.1.4","pending_restart":true,"pending_restart_reason":{"max_connections":{"old_value":"40","new_value":"50"}},"xlog_location":9007199254740993,"timeline":3,"scheduled_restart":{"schedule":"2036-01-02T03:04:05+01:00","timeout":60},"pause":true}',
];

test('what Patroni wrote reads and writes back to the byte', () => {
  for (const text of captured) {
    const { member, problem } = readMember('n', text);
    assert.equal(problem, null);
    assert.equal(writeMember(member, { masterRole: false }), text);
  }
});

test('fields of other versions are kept, in their order, at the end', () => {
  const text =
    '{"conn_url":"postgres://h/postgres","state":"running","role":"replica","new_field":{"a":[1,null]},"zz":18446744073709551615}';
  assert.equal(writeMember(readMember('n', text).member, { masterRole: false }), text);
});

test('non-ASCII is written escaped', () => {
  const { member } = readMember('n', '{"state":"running","role":"replica","tags":{"ort":"Köln 🌍\u007f"}}');
  const text = writeMember(member, { masterRole: false });
  assert.ok(text.includes('"K\\u00f6ln \\ud83c\\udf0d\\u007f"'), text);
  assert.deepEqual(readMember('n', text).member, member);
});

test('master reads as primary, and is written only where an older Patroni needs it', () => {
  const { member } = readMember('n', '{"state":"running","role":"master","version":"3.0.2"}');
  assert.equal(member.role, 'primary');
  assert.ok(writeMember(member, { masterRole: true }).includes('"role":"master"'));
  assert.ok(writeMember(member, { masterRole: false }).includes('"role":"primary"'));
  assert.ok(wantsMasterRole([member]));
  assert.ok(!wantsMasterRole([{ version: '4.1.4' }, { version: '0.1.0' }, { version: null }, { version: 'odd' }]));
});

test('host and port come from the connection URL', () => {
  const at = (url: string) => {
    const { host, port } = readMember('n', JSON.stringify({ conn_url: url })).member;
    return [host, port];
  };
  assert.deepEqual(at('postgres://10.0.0.1:5433/postgres'), ['10.0.0.1', 5433]);
  assert.deepEqual(at('postgres://[fd00::1]:5433/postgres'), ['fd00::1', 5433]);
  assert.deepEqual(at('postgresql://db-1.example/postgres'), ['db-1.example', 5432]);
  assert.deepEqual(at('http://x'), [null, null]);
});

test('a member that is no JSON object is listed with nothing known; the ancient form still reads', () => {
  assert.equal(readMember('n', '[]').member.state, '');
  assert.ok(readMember('n', '').problem);
  const { member } = readMember('n', 'postgres://h:5432/postgres?application_name=http://h:8008/patroni');
  assert.deepEqual([member.host, member.apiUrl], ['h', 'http://h:8008/patroni']);
});

test('fields of a wrong type are absent and named', () => {
  const { member, problem } = readMember('n', '{"state":5,"xlog_location":"x","tags":[],"timeline":-1}');
  assert.deepEqual([member.state, member.xlogLocation, member.tags, member.timeline], ['unknown', null, {}, null]);
  assert.equal(problem, 'cannot be read: state, xlog_location, tags');
});
