/** What a lab is made of, before anything exists. */

export interface Timings {
  readonly ttlS: number;
  readonly loopWaitS: number;
  readonly retryTimeoutS: number;
}

export interface Ports {
  readonly writes: number;
  readonly reads: number;
  readonly statistics: number;
}

/** What the host's loopback offers. */
export interface HostPorts extends Ports {
  readonly page: number;
}

export interface MachinePlan {
  readonly name: string;
  readonly kind: 'node' | 'client';
  /** How the others reach it: its name where machines have /etc/hosts of their own, else its address. */
  readonly host: string;
  readonly address: string;
  /** What its servers listen on. */
  readonly listen: string;
  readonly etcd: boolean;
  readonly paths: MachinePaths;
}

/** As seen on the machine itself. */
export interface MachinePaths {
  readonly config: string;
  readonly dataDir: string;
  readonly socketDir: string;
  readonly etcdDir: string;
  readonly pgpass: string;
  readonly haproxyConfig: string;
}

export interface LabPlan {
  readonly scope: string;
  readonly nodes: readonly MachinePlan[];
  readonly client: MachinePlan;
  readonly timings: Timings;
  /** On the host's loopback; null: not offered. */
  readonly ports: HostPorts | null;
  /** What HAProxy listens on. */
  readonly haproxy: Ports;
  /** Shell text with `{config}`; null: no agent is started. */
  readonly agentCommand: string | null;
  /** Merged into the configuration file of a node. */
  readonly extraConfig: (name: string) => Readonly<Record<string, unknown>>;
  /** Of agents and PostgreSQL, set by libfaketime. */
  readonly fakeClocks: boolean;
  readonly diskMb: number;
}

export interface PlanOptions {
  readonly nodes?: number;
  /** The other two follow from it unless given. */
  readonly ttlS?: number;
  readonly loopWaitS?: number;
  readonly retryTimeoutS?: number;
  /** Null: no forwarding from the host. */
  readonly portBase?: number | null;
  readonly agentCommand?: string | null;
  readonly extraConfig?: (name: string) => Readonly<Record<string, unknown>>;
  readonly fakeClocks?: boolean;
  readonly diskMb?: number;
}

export const defaultPortBase = 5000;
export const ownAgentCommand = 'matriarch agent {config}';

/** Machines with namespaces: the same paths and ports on all of them, names in /etc/hosts. */
export function planNamespaces(options: PlanOptions): LabPlan {
  const paths: MachinePaths = {
    config: '/etc/postgresql/matriarch.yml',
    dataDir: '/var/lib/postgresql/15/main',
    socketDir: '/var/run/postgresql',
    etcdDir: '/var/lib/etcd/default',
    pgpass: '/tmp/pgpass0',
    haproxyConfig: '/etc/postgresql/haproxy.cfg',
  };
  const machine = (name: string, host: number, rest: Pick<MachinePlan, 'kind' | 'etcd'>): MachinePlan => ({
    name,
    host: name,
    address: `10.77.0.${host}`,
    listen: '0.0.0.0',
    paths,
    ...rest,
  });
  return plan(options, machine, portsFrom(defaultPortBase));
}

/** Machines that are only folders and loopback addresses: without root. */
export function planLoopback(options: PlanOptions, dir: string, netByte: number): LabPlan {
  const machine = (name: string, host: number, rest: Pick<MachinePlan, 'kind' | 'etcd'>): MachinePlan => {
    const own = `${dir}/machines/${name}`;
    const address = rest.kind === 'client' ? '127.0.0.1' : `127.0.${netByte}.${host}`;
    const paths = {
      config: `${own}/matriarch.yml`,
      dataDir: `${own}/postgresql/15/main`,
      socketDir: own,
      etcdDir: `${own}/etcd`,
      pgpass: `${own}/pgpass0`,
      haproxyConfig: `${own}/haproxy.cfg`,
    };
    return { name, host: address, address, listen: address, paths, ...rest };
  };
  return plan(options, machine, portsFrom(options.portBase ?? defaultPortBase));
}

function plan(
  options: PlanOptions,
  machine: (name: string, host: number, rest: Pick<MachinePlan, 'kind' | 'etcd'>) => MachinePlan,
  haproxy: Ports,
): LabPlan {
  const count = options.nodes ?? 3;
  if (!Number.isInteger(count) || count < 1 || count > 9) throw new Error(`a lab has 1 to 9 nodes, not ${count}`);
  const etcdMembers = count >= 5 ? 5 : Math.min(count, 3);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return {
    scope: 'stampede',
    nodes: numbers.map((number) =>
      machine(`node${number}`, 10 + number, { kind: 'node', etcd: number <= etcdMembers }),
    ),
    client: machine('client', 100, { kind: 'client', etcd: false }),
    timings: timingsFrom(options),
    ports: options.portBase === null ? null : portsFrom(options.portBase ?? defaultPortBase),
    haproxy,
    agentCommand: options.agentCommand === undefined ? ownAgentCommand : options.agentCommand,
    extraConfig: options.extraConfig ?? (() => ({})),
    fakeClocks: options.fakeClocks ?? false,
    diskMb: options.diskMb ?? 1024,
  };
}

/** 5000, 5001, 7000 and 7001, or moved together. */
export const portsFrom = (base: number): HostPorts => ({
  writes: base,
  reads: base + 1,
  statistics: base + 2000,
  page: base + 2001,
});

/** The page's port is the highest, and a port all the same. */
export const portBaseMost = 65_535 - portsFrom(0).page;

/** ttl ≥ loop_wait + 2 × retry_timeout; below Patroni's least ttl of 20 the retries take nearly all of it. */
function timingsFrom({ ttlS = 30, loopWaitS, retryTimeoutS }: PlanOptions): Timings {
  const third = Math.max(1, Math.floor(ttlS / 3));
  const byTtl =
    ttlS >= 20 ? { loopWaitS: third, retryTimeoutS: third } : { loopWaitS: 1, retryTimeoutS: (ttlS - 1) >> 1 };
  return { ttlS, loopWaitS: loopWaitS ?? byTtl.loopWaitS, retryTimeoutS: retryTimeoutS ?? byTtl.retryTimeoutS };
}
