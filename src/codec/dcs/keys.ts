/** Where a cluster lives in etcd. */
export interface Keys {
  /** `/service/demo/` */
  readonly prefix: string;
  readonly rangeEnd: string;
  readonly initialize: string;
  readonly config: string;
  readonly leader: string;
  readonly status: string;
  readonly sync: string;
  readonly failover: string;
  readonly history: string;
  readonly failsafe: string;
  /** Ours, unknown to Patroni: the highest timeline that a promotion was announced with. */
  readonly timeline: string;
  /** Ours, unknown to Patroni: who made the empty `initialize`. */
  readonly initializing: string;
  /** Ours, unknown to Patroni: the primary whose guard was disarmed in pause. */
  readonly unfenced: string;
  member(name: string): string;
}

/** `service`, `/service` and `/service/` all give `/service/<scope>`. */
export const basePathOf = (namespace: string, scope: string): string =>
  `/${namespace}/${scope}`.replace(/\/{2,}/g, '/');

export function keysOf(namespace: string, scope: string): Keys {
  const prefix = `${basePathOf(namespace, scope)}/`;
  return {
    prefix,
    rangeEnd: rangeEndOf(prefix),
    initialize: `${prefix}initialize`,
    config: `${prefix}config`,
    leader: `${prefix}leader`,
    status: `${prefix}status`,
    sync: `${prefix}sync`,
    failover: `${prefix}failover`,
    history: `${prefix}history`,
    failsafe: `${prefix}failsafe`,
    timeline: `${prefix}timeline`,
    initializing: `${prefix}initializing`,
    unfenced: `${prefix}unfenced`,
    member: (name) => `${prefix}members/${name}`,
  };
}

/** Everything that begins with the prefix: up to the prefix with its last character one higher (`/` becomes `0`). */
const rangeEndOf = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);

export type KeyKind =
  | 'initialize'
  | 'config'
  | 'leader'
  | 'status'
  | 'sync'
  | 'failover'
  | 'history'
  | 'failsafe'
  | 'timeline'
  | 'initializing'
  | 'unfenced'
  | 'optime'
  | 'member'
  | 'other';

const plain: ReadonlySet<string> = new Set([
  'initialize',
  'config',
  'leader',
  'status',
  'sync',
  'failover',
  'history',
  'failsafe',
  'timeline',
  'initializing',
  'unfenced',
]);
const isPlain = (name: string): name is Exclude<KeyKind, 'optime' | 'member' | 'other'> => plain.has(name);

/** Which key of the cluster this is. `member` is set for a member's key only. */
export function kindOfKey(key: string, prefix: string): { readonly kind: KeyKind; readonly member: string | null } {
  const name = key.startsWith(prefix) ? key.slice(prefix.length) : '';
  if (isPlain(name)) return { kind: name, member: null };
  if (name === 'optime/leader') return { kind: 'optime', member: null };
  const member = /^members\/([^/]+)$/.exec(name)?.[1];
  return member === undefined ? { kind: 'other', member: null } : { kind: 'member', member };
}
