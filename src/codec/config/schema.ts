import { z } from 'zod';
import { anyMap, atLeast, expected, headers, list, listOf, mapping, oneOf, text, texts, whole, yes } from './kinds.ts';

/** The YAML that Patroni reads, as far as this agent knows it. Unknown keys are told, not refused: other tools share the file. */

const login = z.object(
  {
    username: text.optional(),
    password: text.optional(),
    sslmode: text.optional(),
    sslcert: text.optional(),
    sslkey: text.optional(),
    sslpassword: text.optional(),
    sslrootcert: text.optional(),
    sslcrl: text.optional(),
    sslcrldir: text.optional(),
    gssencmode: text.optional(),
    channel_binding: text.optional(),
    sslnegotiation: text.optional(),
  },
  mapping,
);
const basic = z.object({ username: text, password: text }, mapping);
const etcd = z.object(
  {
    host: text.optional(),
    hosts: list.optional(),
    url: text.optional(),
    proxy: text.optional(),
    srv: text.optional(),
    srv_suffix: text.optional(),
    discovery_srv: text.optional(),
    srv_domain: text.optional(),
    port: whole.optional(),
    protocol: oneOf('http', 'https').optional(),
    use_proxies: yes.optional(),
    username: text.optional(),
    password: text.optional(),
    cacert: text.optional(),
    cert: text.optional(),
    key: text.optional(),
  },
  mapping,
);
/** initdb, basebackup: a list of words and one-entry maps, or a map. */
const options = z.union([z.array(z.union([text, anyMap])), anyMap], expected('a list of options, or a mapping,'));

const log = z.object(
  {
    type: oneOf('plain', 'json').optional(),
    level: text.optional(),
    traceback_level: text.optional(),
    format: z.unknown().optional(),
    dateformat: text.optional(),
    static_fields: anyMap.optional(),
    max_queue_size: whole.optional(),
    dir: text.optional(),
    mode: z.unknown().optional(),
    file_num: whole.optional(),
    file_size: whole.optional(),
    loggers: anyMap.optional(),
    deduplicate_heartbeat_logs: yes.optional(),
  },
  mapping,
);
const restapi = z.object(
  {
    listen: text,
    connect_address: text.optional(),
    authentication: basic.optional(),
    certfile: text.optional(),
    keyfile: text.optional(),
    keyfile_password: text.optional(),
    cafile: text.optional(),
    ciphers: text.optional(),
    verify_client: oneOf('none', 'optional', 'required').optional(),
    allowlist: list.optional(),
    allowlist_include_members: yes.optional(),
    http_extra_headers: headers.optional(),
    https_extra_headers: headers.optional(),
    request_queue_size: whole.optional(),
    thread_pool_size: whole.optional(),
    server_tokens: text.optional(),
  },
  mapping,
);
const ctl = z.object(
  {
    insecure: yes.optional(),
    cacert: text.optional(),
    certfile: text.optional(),
    keyfile: text.optional(),
    keyfile_password: text.optional(),
    authentication: basic.optional(),
  },
  mapping,
);
const postgresql = z.object(
  {
    name: text.optional(),
    listen: text,
    connect_address: text.optional(),
    proxy_address: text.optional(),
    data_dir: text,
    config_dir: text.optional(),
    config_base_name: text.optional(),
    bin_dir: text.optional(),
    bin_name: texts.optional(),
    database: text.optional(),
    pgpass: text.optional(),
    authentication: z.object(
      { superuser: login.optional(), replication: login.optional(), rewind: login.optional() },
      mapping,
    ),
    parameters: anyMap.optional(),
    recovery_conf: anyMap.optional(),
    custom_conf: text.optional(),
    pg_hba: listOf('a list of lines').optional(),
    pg_ident: listOf('a list of lines').optional(),
    pg_ctl_timeout: whole.optional(),
    use_unix_socket: yes.optional(),
    use_unix_socket_repl: yes.optional(),
    use_pg_rewind: yes.optional(),
    use_slots: yes.optional(),
    remove_data_directory_on_rewind_failure: yes.optional(),
    remove_data_directory_on_diverged_timelines: yes.optional(),
    create_replica_methods: listOf('a list of names').optional(),
    create_replica_method: listOf('a list of names').optional(),
    basebackup: options.optional(),
    callbacks: texts.optional(),
    pre_promote: text.optional(),
    before_stop: text.optional(),
    krbsrvname: text.optional(),
  },
  mapping,
);
const judgedLater = z.unknown().optional();
/** The cluster-wide settings: their values are judged where they are applied, for they come from etcd later. */
const dcs = z
  .object(
    {
      ttl: judgedLater,
      loop_wait: judgedLater,
      retry_timeout: judgedLater,
      maximum_lag_on_failover: judgedLater,
      maximum_lag_on_syncnode: judgedLater,
      max_timelines_history: judgedLater,
      primary_start_timeout: judgedLater,
      master_start_timeout: judgedLater,
      primary_stop_timeout: judgedLater,
      master_stop_timeout: judgedLater,
      primary_health: judgedLater,
      primary_health_timeout: judgedLater,
      primary_race_backoff: judgedLater,
      synchronous_mode: judgedLater,
      synchronous_mode_strict: judgedLater,
      synchronous_node_count: judgedLater,
      failsafe_mode: judgedLater,
      check_timeline: judgedLater,
      pause: judgedLater,
      member_slots_ttl: judgedLater,
      slots: judgedLater,
      permanent_slots: judgedLater,
      permanent_replication_slots: judgedLater,
      ignore_slots: judgedLater,
      standby_cluster: judgedLater,
      postgresql: z.object(postgresql.shape, mapping).partial().loose().optional(),
    },
    mapping,
  )
  .loose();
const bootstrap = z
  .object(
    {
      dcs: anyMap,
      method: text.optional(),
      initdb: options.optional(),
      pg_hba: listOf('a list of lines').optional(),
      post_bootstrap: text.optional(),
      post_init: text.optional(),
      users: z
        .record(
          z.string(),
          z.object({ password: text.optional(), options: listOf('a list of words').optional() }, mapping),
          mapping,
        )
        .optional(),
    },
    mapping,
  )
  .loose();
const reports = z.object(
  { keep_days: atLeast(0).optional(), max_size_mb: atLeast(1).optional(), wait_for_room: atLeast(0).optional() },
  mapping,
);
const matriarch = z.object(
  {
    state_dir: text.optional(),
    probes: listOf('a list of host:port').optional(),
    reports: reports.optional(),
  },
  mapping,
);

export const schema = z.object({
  scope: text,
  name: text,
  namespace: text.optional(),
  thread_pool_size: whole.optional(),
  thread_stack_size: text.optional(),
  log: log.optional(),
  restapi,
  ctl: ctl.optional(),
  etcd3: etcd.optional(),
  etcd: etcd.optional(),
  bootstrap: bootstrap.optional(),
  postgresql: postgresql.loose(),
  watchdog: z
    .object(
      {
        mode: z.union([text, z.boolean()]).optional(),
        device: text.optional(),
        safety_margin: whole.optional(),
        driver: text.optional(),
        guard: oneOf('any', 'device', 'off').optional(),
      },
      mapping,
    )
    .optional(),
  tags: anyMap.optional(),
  matriarch: matriarch.optional(),
});

/** The names that `bootstrap.dcs` may hold. */
export const dynamicSchema = dcs;

/** What the command line needs of the same file, or of a smaller one. */
export const ctlSchema = z.object({
  scope: text.optional(),
  name: text.optional(),
  namespace: text.optional(),
  restapi: restapi.partial().optional(),
  ctl: ctl.optional(),
  etcd3: etcd.optional(),
  etcd: etcd.optional(),
  postgresql: z.object({ data_dir: text.optional() }, mapping).optional(),
  matriarch: matriarch.optional(),
});

export type ConfigFile = z.infer<typeof schema>;
export type CtlFile = z.infer<typeof ctlSchema>;
