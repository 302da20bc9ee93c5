import { z } from 'zod';

/** The YAML that Patroni reads, as far as this agent knows it. Unknown keys are told, not refused: other tools share the file. */

const text = z.union([z.string(), z.number()]).transform(String);
const whole = z.coerce.number().int();
const yes = z
  .union([z.boolean(), z.enum(['on', 'off', 'true', 'false', 'yes', 'no', '1', '0', 'True', 'False'])])
  .transform((v) => v === true || ['on', 'true', 'yes', '1', 'True'].includes(String(v)));
const list = z.union([
  z.array(text),
  z.string().transform((v) =>
    v
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  ),
]);
const anyMap = z.record(z.string(), z.unknown());
const login = z.object({
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
});
const basic = z.object({ username: text, password: text });
const etcd = z.object({
  host: text.optional(),
  hosts: list.optional(),
  url: text.optional(),
  proxy: text.optional(),
  srv: text.optional(),
  srv_suffix: text.optional(),
  discovery_srv: text.optional(),
  port: whole.optional(),
  protocol: z.enum(['http', 'https']).optional(),
  use_proxies: yes.optional(),
  username: text.optional(),
  password: text.optional(),
  cacert: text.optional(),
  cert: text.optional(),
  key: text.optional(),
});
/** initdb, basebackup: a list of words and one-entry maps, or a map. */
const options = z.union([z.array(z.union([text, anyMap])), anyMap]);

export const schema = z.object({
  scope: text,
  name: text,
  namespace: text.optional(),
  thread_pool_size: whole.optional(),
  thread_stack_size: text.optional(),
  log: z
    .object({
      type: z.enum(['plain', 'json']).optional(),
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
    })
    .optional(),
  restapi: z.object({
    listen: text,
    connect_address: text.optional(),
    authentication: basic.optional(),
    certfile: text.optional(),
    keyfile: text.optional(),
    keyfile_password: text.optional(),
    cafile: text.optional(),
    ciphers: text.optional(),
    verify_client: z.enum(['none', 'optional', 'required']).optional(),
    allowlist: list.optional(),
    allowlist_include_members: yes.optional(),
    http_extra_headers: z.record(z.string(), text).optional(),
    https_extra_headers: z.record(z.string(), text).optional(),
    request_queue_size: whole.optional(),
    thread_pool_size: whole.optional(),
    server_tokens: text.optional(),
  }),
  ctl: z
    .object({
      insecure: yes.optional(),
      cacert: text.optional(),
      certfile: text.optional(),
      keyfile: text.optional(),
      keyfile_password: text.optional(),
      authentication: basic.optional(),
    })
    .optional(),
  etcd3: etcd.optional(),
  etcd: etcd.optional(),
  bootstrap: z
    .object({
      dcs: anyMap,
      method: text.optional(),
      initdb: options.optional(),
      pg_hba: z.array(text).optional(),
      post_bootstrap: text.optional(),
      post_init: text.optional(),
      users: z
        .record(z.string(), z.object({ password: text.optional(), options: z.array(text).optional() }))
        .optional(),
    })
    .loose()
    .optional(),
  postgresql: z
    .object({
      name: text.optional(),
      listen: text,
      connect_address: text.optional(),
      proxy_address: text.optional(),
      data_dir: text,
      config_dir: text.optional(),
      config_base_name: text.optional(),
      bin_dir: text.optional(),
      bin_name: z.record(z.string(), text).optional(),
      database: text.optional(),
      pgpass: text.optional(),
      authentication: z.object({
        superuser: login.optional(),
        replication: login.optional(),
        rewind: login.optional(),
      }),
      parameters: anyMap.nullish(),
      recovery_conf: anyMap.optional(),
      custom_conf: text.optional(),
      pg_hba: z.array(text).optional(),
      pg_ident: z.array(text).optional(),
      pg_ctl_timeout: whole.optional(),
      use_unix_socket: yes.optional(),
      use_unix_socket_repl: yes.optional(),
      use_pg_rewind: yes.optional(),
      use_slots: yes.optional(),
      remove_data_directory_on_rewind_failure: yes.optional(),
      remove_data_directory_on_diverged_timelines: yes.optional(),
      create_replica_methods: z.array(text).optional(),
      create_replica_method: z.array(text).optional(),
      basebackup: options.nullish(),
      callbacks: z.record(z.string(), text).optional(),
      pre_promote: text.optional(),
      before_stop: text.optional(),
      krbsrvname: text.optional(),
    })
    .loose(),
  watchdog: z
    .object({
      mode: z.union([text, z.boolean()]).optional(),
      device: text.optional(),
      safety_margin: whole.optional(),
      driver: text.optional(),
      guard: z.enum(['any', 'device', 'off']).optional(),
    })
    .optional(),
  tags: z.record(z.string(), z.unknown()).nullish(),
  matriarch: z.object({ state_dir: text.optional() }).optional(),
});

export type ConfigFile = z.infer<typeof schema>;
