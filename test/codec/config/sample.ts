/** The smallest file of a node; line 10 and on are a test's own. */
export const small = `scope: demo
name: node1
restapi: { listen: 0.0.0.0:8008, connect_address: node1:8008 }
etcd3: { hosts: [node1:2379, node2:2379] }
postgresql:
  listen: 0.0.0.0:5432
  connect_address: node1:5432
  data_dir: /var/lib/postgresql/15/main/
  authentication: { replication: { username: r, password: secret }, superuser: { username: s, password: secret } }
`;

/** The tutorial's file that must work as it is. */
export const tutorial = `scope: stampede
name: node1
restapi: { listen: 0.0.0.0:8008, connect_address: node1:8008 }
etcd3: { hosts: [node1:2379, node2:2379, node3:2379] }
bootstrap:
  dcs:
    ttl: 30
    loop_wait: 10
    retry_timeout: 10
    maximum_lag_on_failover: 1048576
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters: { wal_level: replica, hot_standby: "on", logging_collector: "on", max_wal_senders: 5, max_replication_slots: 5, wal_log_hints: "on" }
  initdb: [ encoding: UTF8, data-checksums ]
  pg_hba: [ host replication replicator 0.0.0.0/0 md5, host all all 0.0.0.0/0 md5 ]
  users: { admin: { password: admin, options: [ createrole, createdb ] } }
postgresql:
  listen: 0.0.0.0:5432
  connect_address: node1:5432
  data_dir: /var/lib/postgresql/15/main
  bin_dir: /usr/lib/postgresql/15/bin
  pgpass: /tmp/pgpass0
  authentication:
    replication: { username: replicator, password: vagrant }
    superuser: { username: postgres, password: vagrant }
  parameters: { unix_socket_directories: /var/run/postgresql }
watchdog: { mode: required, device: /dev/watchdog, safety_margin: 5 }
tags: { nofailover: false, noloadbalance: false, clonefrom: false, nosync: false }
`;
