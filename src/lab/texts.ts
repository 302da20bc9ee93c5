import { postgresByFakeClock } from './faults/fakeClock.ts';
import { type LabPlan, type MachinePlan, ownAgentCommand } from './plan.ts';

/** The files and command lines that differ from machine to machine. All pure. */

export const superuserPassword = 'vagrant';

type Tree = Readonly<Record<string, unknown>>;

/** The tutorial's file, with this machine's name and addresses. */
export function agentConfig(plan: LabPlan, machine: MachinePlan): string {
  const { ttlS, loopWaitS, retryTimeoutS } = plan.timings;
  const etcdHosts = plan.nodes.filter(({ etcd }) => etcd).map(({ host }) => `${host}:2379`);
  // Lab machines have no watchdog device: our agent's guardian stands in for it, another agent would never lead.
  const own = plan.agentCommand === null || plan.agentCommand === ownAgentCommand;
  const watchdogMode = own ? 'required' : 'automatic';
  const config: Tree = {
    scope: plan.scope,
    name: machine.name,
    restapi: { listen: `${machine.listen}:8008`, connect_address: `${machine.host}:8008` },
    etcd3: { hosts: etcdHosts },
    bootstrap: {
      dcs: {
        ttl: ttlS,
        loop_wait: loopWaitS,
        retry_timeout: retryTimeoutS,
        maximum_lag_on_failover: 1_048_576,
        postgresql: {
          use_pg_rewind: true,
          use_slots: true,
          parameters: {
            wal_level: 'replica',
            hot_standby: 'on',
            logging_collector: 'on',
            max_wal_senders: 5,
            max_replication_slots: 5,
            wal_log_hints: 'on',
            // Each promotion leaves a segment of its timeline behind, for as long as WAL is kept: a small disk holds few of them.
            wal_keep_size: '32MB',
            max_wal_size: '256MB',
          },
        },
      },
      initdb: [{ encoding: 'UTF8' }, 'data-checksums'],
      pg_hba: ['host replication replicator 0.0.0.0/0 md5', 'host all all 0.0.0.0/0 md5'],
      users: { admin: { password: 'admin', options: ['createrole', 'createdb'] } },
    },
    postgresql: {
      listen: `${machine.listen}:5432`,
      connect_address: `${machine.host}:5432`,
      data_dir: machine.paths.dataDir,
      bin_dir: plan.fakeClocks ? postgresByFakeClock : '/usr/lib/postgresql/15/bin',
      pgpass: machine.paths.pgpass,
      authentication: {
        replication: { username: 'replicator', password: superuserPassword },
        superuser: { username: 'postgres', password: superuserPassword },
      },
      parameters: { unix_socket_directories: machine.paths.socketDir },
    },
    watchdog: { mode: watchdogMode, device: '/dev/watchdog', safety_margin: 5 },
    tags: { nofailover: false, noloadbalance: false, clonefrom: false, nosync: false },
  };
  return yaml(merge(config, plan.extraConfig(machine.name)));
}

/** Objects are merged, everything else is replaced; null takes a key away. */
export function merge(base: Tree, change: Tree): Tree {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(change)) {
    const before = merged[key];
    if (value === null) delete merged[key];
    else merged[key] = isTree(before) && isTree(value) ? merge(before, value) : value;
  }
  return merged;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Block style outside, JSON inside: every YAML reader takes it, and people can too. */
function yaml(tree: Tree, indent = ''): string {
  return Object.entries(tree)
    .map(([key, value]) => {
      const text = flow(value);
      if (!isTree(value) || text.length < 90) return `${indent}${key}: ${text}\n`;
      return `${indent}${key}:\n${yaml(value, `${indent}  `)}`;
    })
    .join('');
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (!isTree(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${flow(inner)}`);
  return `{ ${entries.join(', ')} }`;
}

export function agentShellCommand(plan: LabPlan, machine: MachinePlan): string {
  return (plan.agentCommand ?? ownAgentCommand)
    .replaceAll('{config}', machine.paths.config)
    .replaceAll('{name}', machine.name);
}

/** The least ttl of Patroni, and of any cluster that somebody runs. */
const usualTtlS = 20;
/**
 * An election takes 1 to 2 s, and as long again when two members ask for votes at the same moment, which is one time in ten. A
 * lease of a few seconds does not outlast that: whoever has such a lease wants a quicker etcd.
 */
const shortElections = { 'heartbeat-interval': '50', 'election-timeout': '500' };

export function etcdCommand(plan: LabPlan, machine: MachinePlan): readonly string[] {
  const members = plan.nodes.filter(({ etcd }) => etcd);
  const flags = {
    name: machine.name,
    'data-dir': machine.paths.etcdDir,
    'listen-client-urls': `http://${machine.listen}:2379`,
    'advertise-client-urls': `http://${machine.host}:2379`,
    'listen-peer-urls': `http://${machine.listen}:2380`,
    'initial-advertise-peer-urls': `http://${machine.host}:2380`,
    'initial-cluster': members.map(({ name, host }) => `${name}=http://${host}:2380`).join(','),
    'initial-cluster-token': plan.scope,
    'initial-cluster-state': 'new',
    ...(plan.timings.ttlS < usualTtlS ? shortElections : {}),
  };
  return ['etcd', ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)];
}

export function hostsFile(plan: LabPlan): string {
  const lines = [...plan.nodes, plan.client].map(({ address, name }) => `${address} ${name}`);
  return ['127.0.0.1 localhost', ...lines, ''].join('\n');
}

/** Writes go to whoever answers /master, reads round robin to whoever answers /replica. */
export function haproxyConfig(plan: LabPlan): string {
  const { writes, reads, statistics } = plan.haproxy;
  const servers = plan.nodes
    .map(({ name, host }) => `    server ${name} ${host}:5432 maxconn 100 check port 8008\n`)
    .join('');
  const listen = (name: string, port: number, path: string, more = ''): string => `
listen ${name}
    bind ${plan.client.listen}:${port}
    option httpchk OPTIONS ${path}
    http-check expect status 200
${more}    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
${servers}`;
  return `global
    maxconn 1000

defaults
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 5s

listen statistics
    mode http
    bind ${plan.client.listen}:${statistics}
    stats enable
    stats uri /
${listen('writes', writes, '/master')}${listen('reads', reads, '/replica', '    balance roundrobin\n')}`;
}
