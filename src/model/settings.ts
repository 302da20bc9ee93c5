/** What the operator set, parsed once into units of ours. Made by codec/config, frozen. */

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface Login {
  readonly username: string;
  /** Never logged, never published. */
  readonly password: string | null;
  /** libpq's sslmode, sslcert, … as given. */
  readonly ssl: Readonly<Record<string, string>>;
}

/** A list of `--option[=value]` for initdb, pg_basebackup. */
export type Options = readonly (readonly [name: string, value: string | null])[];

/** One way to copy a data directory, of `create_replica_methods`. */
export type ReplicaMethod =
  | { readonly kind: 'basebackup' }
  | {
      readonly kind: 'command';
      readonly name: string;
      readonly command: string;
      /** `--key=value` of its section, before what the agent adds. */
      readonly options: readonly (readonly [key: string, value: string])[];
      /** The agent adds nothing. */
      readonly noParams: boolean;
      /** It needs no member to copy from. */
      readonly noLeader: boolean;
      /** It goes over what lies in the data directory: nobody empties that for it. */
      readonly keepData: boolean;
    }
  | { readonly kind: 'unusable'; readonly name: string; readonly why: string };

export interface Tags {
  readonly nofailover: boolean;
  /** 1 unless set; 0 or less means nofailover. */
  readonly failoverPriority: number;
  readonly noloadbalance: boolean;
  readonly clonefrom: boolean;
  readonly nosync: boolean;
  readonly nostream: boolean;
  readonly replicatefrom: string | null;
  /** The tags object as it is published: predefined ones only when true, others as given. */
  readonly published: Readonly<Record<string, unknown>>;
}

export interface EtcdSettings {
  readonly endpoints: readonly string[]; // http(s)://host:port
  readonly srv: string | null;
  readonly useProxies: boolean;
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null } | null;
}

export interface RestSettings {
  readonly listen: HostPort;
  readonly connectAddress: HostPort;
  readonly authentication: { readonly username: string; readonly password: string } | null;
  readonly tls: {
    readonly certFile: string;
    readonly keyFile: string | null;
    readonly keyPassword: string | null;
    readonly caFile: string | null;
    readonly ciphers: string | null;
    readonly verifyClient: 'none' | 'optional' | 'required';
  } | null;
  readonly allowlist: readonly string[];
  readonly allowlistIncludeMembers: boolean;
  readonly httpExtraHeaders: Readonly<Record<string, string>>;
  readonly httpsExtraHeaders: Readonly<Record<string, string>>;
}

export interface WatchdogSettings {
  readonly mode: 'off' | 'automatic' | 'required';
  readonly device: string;
  /** Margin between the last instant PostgreSQL may accept writes and the end of the lease. -1000: half the ttl. */
  readonly safetyMarginMs: number;
  /** What must be armed before this node may lead: any guard, or the device only, or nothing (switched off by name). */
  readonly guard: 'any' | 'device' | 'off';
}

/** What `slots` of the cluster's configuration asks for, whoever leads. */
export type PermanentSlot =
  /** `clusterType`: only while the cluster is one, or while it follows another; null: always. */
  | { readonly kind: 'physical'; readonly name: string; readonly clusterType: 'primary' | 'standby' | null }
  | { readonly kind: 'logical'; readonly name: string; readonly database: string; readonly plugin: string };

/** Of `ignore_slots`: a slot that all given attributes fit is its owner's business alone. */
export interface SlotPattern {
  readonly name?: string;
  readonly kind?: 'physical' | 'logical';
  readonly database?: string;
  readonly plugin?: string;
}

/** What is kept of the WAL that a repair throws away. */
export interface ReportSettings {
  /** How long; 0: none of it is kept. */
  readonly keepMs: number;
  /** Of all reports together. */
  readonly walBytesMax: number;
  /** How long a repair waits for room to keep it; after that it goes on without. */
  readonly roomPatienceMs: number;
}

/** What only this node's file says. */
export interface LocalSettings {
  readonly scope: string;
  readonly name: string;
  readonly namespace: string;
  /** Directory for journal, locks, guard state and sockets of this node. */
  readonly stateDir: string;
  /** Where probes (`matriarch probe --listen`) are asked what clients felt of an incident. */
  readonly probes: readonly HostPort[];
  readonly reports: ReportSettings;
  readonly etcd: EtcdSettings;
  readonly rest: RestSettings;
  readonly ctl: {
    readonly insecure: boolean;
    readonly cacert: string | null;
    readonly certFile: string | null;
    readonly keyFile: string | null;
    readonly authentication: { readonly username: string; readonly password: string } | null;
  };
  readonly watchdog: WatchdogSettings;
  readonly tags: Tags;
  readonly log: { readonly level: string; readonly type: 'plain' | 'json' };
  readonly bootstrap: {
    /** `bootstrap.dcs` as JSON-able document: the first content of /config. */
    readonly dcs: Readonly<Record<string, unknown>>;
    /** Another way than initdb, by its name, which this agent does not go. Absent: initdb. */
    readonly method?: string;
    readonly initdb: Options;
    readonly pgHba: readonly string[];
    readonly postInit: string | null;
    /** Patroni 3's bootstrap.users: created once after initdb. */
    readonly users: readonly {
      readonly name: string;
      readonly password: string | null;
      readonly options: readonly string[];
    }[];
  } | null;
  readonly postgres: {
    readonly listenAddresses: string; // as PostgreSQL's listen_addresses
    readonly port: number;
    readonly connectAddress: HostPort;
    readonly proxyAddress: HostPort | null;
    readonly dataDir: string;
    readonly configDir: string;
    readonly binDir: string | null; // null: PATH
    readonly binNames: Readonly<Record<string, string>>;
    readonly database: string;
    readonly pgpass: string;
    readonly superuser: Login;
    readonly replication: Login;
    readonly rewind: Login | null;
    /** The local `postgresql` section as plain document, merged over the dynamic one by codec/config. */
    readonly section: Readonly<Record<string, unknown>>;
  };
}

/** What the cluster says (etcd's /config), with defaults, adjusted to be possible. */
export interface ClusterSettings {
  readonly ttlMs: number;
  readonly loopWaitMs: number;
  readonly retryTimeoutMs: number;
  readonly maximumLagBytesOnFailover: number;
  readonly primaryStartTimeoutMs: number;
  readonly primaryStopTimeoutMs: number;
  /** What becomes of a primary that runs, and on which no commit becomes durable any more. */
  readonly primaryHealth: 'report' | 'failover';
  /** How long it is waited for. */
  readonly primaryHealthTimeoutMs: number;
  readonly memberSlotsTtlMs: number;
  readonly maxTimelinesHistory: number;
  readonly checkTimeline: boolean;
  readonly pause: boolean;
  readonly failsafeMode: boolean;
  readonly synchronousMode: 'off' | 'on' | 'quorum';
  /** Rather no commit than one that only the primary has. */
  readonly synchronousStrict: boolean;
  /** How many standbys shall have each commit. */
  readonly synchronousNodeCount: number;
  /** Who is further behind is not waited for. Null: no limit. */
  readonly maximumLagBytesOnSyncNode: number | null;
  readonly standbyCluster: Readonly<Record<string, unknown>> | null;
  readonly permanentSlots: readonly PermanentSlot[];
  readonly ignoreSlots: readonly SlotPattern[];
  /** An entry of `slots` or `ignore_slots` was not understood: what it may be about is not dropped. */
  readonly slotsInDoubt: boolean;
  /** How long a race waits for a peer last known ahead of me. */
  readonly aheadGraceMs: number;
}

/** Everything about PostgreSQL after merging cluster and local settings. */
export interface PostgresSettings {
  /** GUC name (lower case) → value text, for postgresql.conf and the command line. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The subset that goes on the postmaster's command line. */
  readonly commandLine: readonly (readonly [name: string, value: string])[];
  readonly recovery: Readonly<Record<string, string>>;
  readonly pgHba: readonly string[] | null;
  readonly pgIdent: readonly string[] | null;
  readonly usePgRewind: boolean;
  readonly useSlots: boolean;
  readonly useUnixSocket: boolean;
  readonly removeDataDirectoryOnRewindFailure: boolean;
  readonly removeDataDirectoryOnDivergedTimelines: boolean;
  readonly startTimeoutMs: number; // pg_ctl_timeout
  readonly basebackup: Options;
  /** Tried in this order; never empty. */
  readonly replicaMethods: readonly ReplicaMethod[];
  readonly callbacks: Readonly<
    Partial<Record<'on_start' | 'on_stop' | 'on_restart' | 'on_reload' | 'on_role_change', string>>
  >;
  readonly prePromote: string | null;
  readonly beforeStop: string | null;
  readonly customConf: string | null;
}

export interface Settings {
  readonly local: LocalSettings;
  readonly cluster: ClusterSettings;
  readonly postgres: PostgresSettings;
  /** The /config document these come from, as JSON text; null while none was ever read. */
  readonly dynamicText: string | null;
}
