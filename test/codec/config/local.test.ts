import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeConfigTexts, readLocalConfig } from '../../../src/codec/config/local.ts';
import type { LocalSettings } from '../../../src/model/settings.ts';
import { small, tutorial } from './sample.ts';

type Env = Readonly<Record<string, string>>;
const read = (text: string, env: Env = {}) => readLocalConfig(text, 'node.yml', env);
function good(text: string, env: Env = {}): LocalSettings {
  const result = read(text, env);
  assert.ok(result.kind === 'ok', result.kind === 'bad' ? result.problems.join('; ') : '');
  return result.local;
}
const problems = (text: string, env: Env = {}): readonly string[] => {
  const result = read(text, env);
  return result.kind === 'bad' ? result.problems : [];
};
const warnings = (text: string): readonly string[] => {
  const result = read(text);
  return result.kind === 'ok' ? result.warnings : [`refused: ${result.problems.join('; ')}`];
};

test("the tutorial's file is read without a complaint", () => {
  assert.deepEqual(warnings(tutorial), []);
  const local = good(tutorial);
  assert.deepEqual(local.etcd.endpoints, ['http://node1:2379', 'http://node2:2379', 'http://node3:2379']);
  assert.deepEqual(local.rest.connectAddress, { host: 'node1', port: 8008 });
  assert.deepEqual(local.bootstrap?.initdb, [
    ['encoding', 'UTF8'],
    ['data-checksums', null],
  ]);
  assert.deepEqual(local.bootstrap?.users, [{ name: 'admin', password: 'admin', options: ['createrole', 'createdb'] }]);
  assert.deepEqual(local.watchdog, { mode: 'required', device: '/dev/watchdog', safetyMarginMs: 5_000, guard: 'any' });
  assert.deepEqual(local.postgres.superuser, { username: 'postgres', password: 'vagrant', ssl: {} });
  assert.equal(local.stateDir, '/var/lib/postgresql/15/.matriarch-main');
  assert.deepEqual(local.tags.published, {});
});

test('probes are addresses; what is none is named', () => {
  assert.deepEqual(good(`${small}matriarch: { probes: [p1, 'p2:80'] }\n`).probes, [
    { host: 'p1', port: 9988 },
    { host: 'p2', port: 80 },
  ]);
  assert.match(
    problems(`${small}matriarch: { probes: ['http://p1'] }\n`).join(),
    /matriarch\.probes: "http:\/\/p1" is no host:port/,
  );
});

test('what is kept of thrown away WAL: a week, 2 GB, an hour of patience, unless it is said', () => {
  assert.deepEqual(good(small).reports, {
    keepMs: 7 * 86_400_000,
    walBytesMax: 2_147_483_648,
    roomPatienceMs: 3_600_000,
  });
  const given = good(`${small}matriarch: { reports: { keep_days: 0, max_size_mb: 10, wait_for_room: 0 } }\n`).reports;
  assert.deepEqual(given, { keepMs: 0, walBytesMax: 10_485_760, roomPatienceMs: 0 });
  assert.match(
    problems(`${small}matriarch: { reports: { max_size_mb: 0 } }\n`).join(),
    /matriarch\.reports\.max_size_mb: a whole number of 1 or more is expected/,
  );
});

test('what is of the wrong kind is named with line and column, and what is there instead', () => {
  const table: readonly [more: string, problem: string][] = [
    ['  pg_hba: host all all', 'node.yml:10:3: postgresql.pg_hba: a list of lines is expected, not this text'],
    ['  pg_hba: [a, [b]]', 'node.yml:10:15: postgresql.pg_hba.1: a text is expected, not a list'],
    ['  parameters: [a]', 'node.yml:10:3: postgresql.parameters: a mapping is expected, not a list'],
    ['  use_pg_rewind: maybe', 'node.yml:10:3: postgresql.use_pg_rewind: yes or no is expected, not this text'],
    ['  pg_ctl_timeout: 1.5', 'node.yml:10:3: postgresql.pg_ctl_timeout: a whole number is expected, not this number'],
    ['  pg_ctl_timeout: true', 'node.yml:10:3: postgresql.pg_ctl_timeout: a whole number is expected, not yes or no'],
    ['  bin_name: { postgres: [1] }', 'node.yml:10:15: postgresql.bin_name.postgres: a text is expected, not a list'],
    [
      '  callbacks: { on_start: {} }',
      'node.yml:10:16: postgresql.callbacks.on_start: a text is expected, not a mapping',
    ],
    ['ctl: 5', 'node.yml:10:1: ctl: a mapping is expected, not this number'],
    [
      'ctl:\n  authentication: { username: u, password: yes }',
      'node.yml:11:34: ctl.authentication.password: a text is expected, not yes or no: put it in quotes',
    ],
    ['log: { type: xml }', 'node.yml:10:8: log.type: one of plain, json is expected, not this text'],
    [
      'watchdog: { safety_margin: soon }',
      'node.yml:10:13: watchdog.safety_margin: a whole number is expected, not this text',
    ],
    ['bootstrap:\n  dcs: []', 'node.yml:11:3: bootstrap.dcs: a mapping is expected, not a list'],
    ['bootstrap:\n  initdb: [a]', 'node.yml:10:1: bootstrap.dcs: missing, and needed'],
  ];
  for (const [more, problem] of table) assert.deepEqual(problems(`${small}${more}\n`), [problem]);
});

test('what is missing or no address is named, all at once', () => {
  const without = (line: string): string => small.replace(line, '');
  const table: readonly [text: string, problems: readonly string[]][] = [
    [without('scope: demo\n'), ['node.yml:1:1: scope: missing, and needed']],
    [without('  data_dir: /var/lib/postgresql/15/main/\n'), ['node.yml:5:1: postgresql.data_dir: missing, and needed']],
    [
      without('etcd3: { hosts: [node1:2379, node2:2379] }\n'),
      ['node.yml: etcd3: missing; say where etcd is, as in etcd3: { hosts: [node1:2379, node2:2379, node3:2379] }'],
    ],
    [
      small.replace('0.0.0.0:8008', '0.0.0.0:99999').replace('node1:5432', 'a:b:c').replace('username: r, ', ''),
      [
        'node.yml:3:12: restapi.listen: "0.0.0.0:99999" is no host:port',
        'node.yml:9:21: postgresql.authentication.replication: username is missing',
      ],
    ],
    [small.replace('name: node1', 'name: a,b'), ['node.yml:2:1: name: a member name must not contain a comma']],
    [
      small.replace('name: node1', 'name: __Patroni_strict_sync_replica_placeholder__'),
      ['node.yml:2:1: name: this name is reserved; give the member another'],
    ],
    ...[`""`, `" "`, `"a\\nb"`].map((name): [string, string[]] => [
      small.replace('name: node1', `name: ${name}`),
      ['node.yml:2:1: name: must not be empty, nor hold a line break or another control character'],
    ]),
    [small.replace('name: node1', 'name: a/b'), ['node.yml:2:1: name: a member name must not contain a slash']],
    [
      small.replace('{ hosts: [node1:2379, node2:2379] }', '{ username: u }'),
      ['node.yml:4:1: etcd3: no way to find etcd is given: set hosts, host, url or srv'],
    ],
    [
      small.replace('etcd3: { hosts: [node1:2379, node2:2379] }', 'etcd: { hosts: ["a b:c"] }'),
      ['node.yml:4:1: etcd: "a b:c" is no host:port'],
    ],
  ];
  for (const [text, expected] of table) assert.deepEqual(problems(text), expected);
});

test('text that is no YAML is refused at its place', () => {
  const table: readonly [text: string, problem: RegExp][] = [
    [`${small}tags: { a: 1\n`, /^node\.yml:11:1: .*flow map/i],
    [`${small}tags: *nowhere\n`, /^node\.yml:10:7: the alias \*nowhere has no anchor before it$/],
    [`${small}scope: again\n`, /^node\.yml:10:1: Map keys must be unique$/],
    ['\tscope: demo\n', /^node\.yml:1:1: Tabs are not allowed/],
    ['- scope\n', /^node\.yml:1:1: it does not contain a mapping of settings$/],
    ['', /^node\.yml:1:1: it does not contain a mapping of settings$/],
  ];
  for (const [text, problem] of table) assert.match(problems(text).join('\n'), problem);
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e']
    .map((key, i) => `${key}: &${key} [${Array(10).fill(`*${'abcd'[i]}`).join()}]`)
    .join('\n')}\n`;
  assert.match(problems(bomb).join(), /alias/i);
});

test('unknown keys are told with place and the nearest known; what is elsewhere in use is left in peace', () => {
  const table: readonly [more: string, warning: string | null][] = [
    ['logg: {}', 'node.yml:10:1: logg: unknown setting, ignored; did you mean log?'],
    ['  bindir: /x', 'node.yml:10:3: postgresql.bindir: unknown setting, ignored; did you mean bin_dir?'],
    ['  zzz: { a: 1 }', 'node.yml:10:3: postgresql.zzz: unknown setting, ignored'],
    ['tags: { whatever: 1 }', null],
    ['citus: { group: 0 }', null],
    ['bootstrap: { dcs: {}, method: mine, mine: { command: x } }', null],
    [
      'bootstrap: { dcs: { max_lag: 1, maximum_lag_on_failver: 1 } }',
      'node.yml:10:21: bootstrap.dcs.max_lag: unknown setting, ignored\nnode.yml:10:33: bootstrap.dcs.maximum_lag_on_failver: unknown setting, ignored; did you mean maximum_lag_on_failover?',
    ],
    [
      'bootstrap:\n  dcs:\n    postgresql: { use_slot: 1 }',
      'node.yml:12:19: bootstrap.dcs.postgresql.use_slot: unknown setting, ignored; did you mean use_slots?',
    ],
    [
      'ttl: 30',
      "node.yml:10:1: ttl: does nothing here: it is the cluster's, set in bootstrap.dcs at first and by edit-config later",
    ],
  ];
  for (const [more, warning] of table) assert.equal(warnings(`${small}${more}\n`).join('\n'), warning ?? '', more);
});

test('a section whose lines are all comments counts as absent', () => {
  const local = good(
    `${small}  parameters:\n  pg_hba:\nctl:\n  # insecure: true\nlog:\ntags:\nwatchdog:\nbootstrap:\n`,
  );
  assert.deepEqual([local.bootstrap, local.watchdog.mode, local.log.level], [null, 'automatic', 'INFO']);
  assert.deepEqual(problems(small.replace(/restapi: .*/, 'restapi:')), ['node.yml:3:1: restapi: missing, and needed']);
});

test("YAML is read as Python's reader does", () => {
  const local =
    good(`${small}  callbacks: { on_start: 0755, on_stop: 0899, on_reload: 2001-01-01, on_restart: 1e3, on_role_change: y }
  pg_hba: [12345678901234567890, 1_000, 0x1F]
x: &common { clonefrom: on, region: off }
tags: { <<: *common, dc: yes }
`);
  const { section } = local.postgres;
  assert.deepEqual(section.callbacks, {
    on_start: '493',
    on_stop: '0899',
    on_reload: '2001-01-01',
    on_restart: '1e3',
    on_role_change: 'y',
  });
  assert.deepEqual(section.pg_hba, ['12345678901234567890', '1000', '31']);
  assert.deepEqual(local.tags.published, { clonefrom: true, region: false, dc: true });
  assert.equal(good(`${small}watchdog: { mode: off }\n`).watchdog.mode, 'off');
});

test('no complaint holds a password', () => {
  const secret = 'hunter2';
  const texts = [
    `${small}ctl: { authentication: { username: u, password: [${secret}] } }\n`,
    `${small}ctl: { authentication: ${secret} }\n`,
    small.replace('{ hosts: [node1:2379, node2:2379] }', `{ url: "x//u:${secret}@" }`),
    small.replace('password: secret }', `password: ${secret}, password: ${secret} }`),
    small.replace('password: secret }', `password: "${secret}`),
  ];
  for (const text of texts) {
    assert.notDeepEqual(problems(text), []);
    assert.doesNotMatch(problems(text).join('\n'), new RegExp(secret));
  }
});

test('the environment is stronger than the file, and named where it is wrong', () => {
  const local = good(small, {
    PATRONI_SCOPE: 'other',
    PATRONI_RESTAPI_LISTEN: '127.0.0.1:9000',
    PATRONI_RESTAPI_USERNAME: 'u',
    PATRONI_RESTAPI_PASSWORD: 'p',
    PATRONI_RESTAPI_ALLOWLIST: "'10.0.0.0/8','host2'",
    PATRONI_RESTAPI_HTTP_EXTRA_HEADERS: 'x-a: 1, x-b: two',
    PATRONI_RESTAPI_HTTPS_EXTRA_HEADERS: '{x-c: 3}',
    PATRONI_CTL_INSECURE: 'on',
    PATRONI_POSTGRESQL_BIN_POSTGRES: 'postgres-15',
    PATRONI_SUPERUSER_PASSWORD: 'p2',
    PATRONI_REWIND_USERNAME: 'w',
    PATRONI_ETCD3_HOSTS: "'e1:1','e2:2'",
    PATRONI_NAME: '',
    PATRONI_NOSUCH: 'x',
  });
  assert.deepEqual([local.scope, local.name], ['other', 'node1']);
  assert.deepEqual(local.rest.listen, { host: '127.0.0.1', port: 9000 });
  assert.deepEqual(local.rest.authentication, { username: 'u', password: 'p' });
  assert.deepEqual(local.rest.allowlist, ['10.0.0.0/8', 'host2']);
  assert.deepEqual(local.rest.httpExtraHeaders, { 'x-a': '1', 'x-b': 'two' });
  assert.deepEqual(local.rest.httpsExtraHeaders, { 'x-c': '3' });
  assert.equal(local.ctl.insecure, true);
  assert.deepEqual(local.postgres.binNames, { postgres: 'postgres-15' });
  assert.equal(local.postgres.superuser.password, 'p2');
  assert.equal(local.postgres.rewind?.username, 'w');
  assert.deepEqual(local.etcd.endpoints, ['http://e1:1', 'http://e2:2']);

  assert.deepEqual(good(small, { PATRONI_ETCD3_HOSTS: 'e1:1, e2:2' }).etcd.endpoints, ['http://e1:1', 'http://e2:2']);
  assert.deepEqual(good(small, { PATRONI_ETCD3_HOSTS: '- e1:1\n- e2:2' }).etcd.endpoints.length, 2);
  assert.deepEqual(problems(small, { PATRONI_RESTAPI_LISTEN: 'x:0' }), [
    'PATRONI_RESTAPI_LISTEN: restapi.listen: "x:0" is no host:port',
  ]);
  assert.deepEqual(problems(small, { PATRONI_CTL_INSECURE: 'perhaps' }), [
    'PATRONI_CTL_INSECURE: ctl.insecure: yes or no is expected, not this text',
  ]);
  const userOnly = small.replace(/etcd3: .*/, 'etcd: { host: e1 }');
  assert.deepEqual(good(userOnly, { PATRONI_ETCD3_USERNAME: 'u' }).etcd.endpoints, ['http://e1:2379']);
});

test('files of a directory merge in order: later wins, null deletes, and texts stay texts', () => {
  const merged = mergeConfigTexts([
    { name: 'a.yml', text: small },
    { name: 'b.yml', text: 'scope: "0123"\ntags: { a: "yes", b: 1 }\n' },
    { name: 'c.yml', text: 'tags: { b: null }\nrestapi: { connect_address: other:1 }\n' },
  ]);
  const local = good(merged);
  assert.equal(local.scope, '0123');
  assert.deepEqual(local.tags.published, { a: 'yes' });
  assert.deepEqual(local.rest.listen, { host: '0.0.0.0', port: 8008 });
  assert.deepEqual(local.rest.connectAddress, { host: 'other', port: 1 });
  const broken = [
    { name: 'd/a.yml', text: small },
    { name: 'd/b.yml', text: 'x: {\n' },
  ];
  assert.throws(() => mergeConfigTexts(broken), /^Error: d\/b\.yml:2:1: /);
});

test('an HTTP header that could not be sent is named at the start, not found out at the first request', () => {
  const withHeader = (header: string): string =>
    small.replace('connect_address: node1:8008 }', `connect_address: node1:8008, http_extra_headers: { ${header} } }`);
  assert.deepEqual(good(withHeader('X-Frame-Options: DENY')).rest.httpExtraHeaders, { 'x-frame-options': 'DENY' });
  assert.match(
    problems(withHeader('X-A: "a\\nb"'))[0] ?? '',
    /restapi\.http_extra_headers\.X-A: the value of an HTTP header/,
  );
  assert.match(problems(withHeader('"X A": b'))[0] ?? '', /restapi\.http_extra_headers: the name of an HTTP header/);
});

test('a name that PostgreSQL shows otherwise is told', () => {
  for (const name of ['nöde', 'n'.repeat(64)])
    assert.match(warnings(small.replace('name: node1', `name: ${name}`)).join(), /name: PostgreSQL shows it otherwise/);
});
