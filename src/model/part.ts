/** A part of a machine that may be hurt while everything on it seems to run. */
export interface PartPicture {
  /** `walDisk`: of PostgreSQL, `etcdDisk`: of etcd, in what their flushes take; `disk`: the room on it. */
  readonly part: 'cable' | 'disk' | 'etcdDisk' | 'walDisk' | 'connections' | 'clock';
  /** In what way, in a word or two; null: it is whole. */
  readonly hurt: string | null;
  /** Null, or what it would take that it can be hurt here. */
  readonly locked: string | null;
}

/** Of a part that is hurt, for who does not see which one it is. */
export function hurtText({ part, hurt }: PartPicture): string {
  switch (part) {
    case 'cable':
      return `${hurt}`;
    case 'disk':
      return `disk ${hurt}`;
    case 'etcdDisk':
      return `etcd's disk ${hurt}`;
    case 'walDisk':
      return `PostgreSQL's disk ${hurt}`;
    case 'connections':
      return `connections ${hurt}`;
    case 'clock':
      return `clock ${hurt}`;
    default:
      return part satisfies never;
  }
}
