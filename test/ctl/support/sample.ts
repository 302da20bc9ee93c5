import { readMember } from '../../../src/codec/dcs/members.ts';
import type { Cluster, Member } from '../../../src/model/cluster.ts';
import { lsnOf, revision, term, timeline } from '../../../src/model/units.ts';

/** A member as its key in etcd says. */
export const member = (name: string, value: Readonly<Record<string, unknown>>): Member => ({
  ...readMember(name, JSON.stringify(value)).member,
  modRevision: revision(5n),
  lease: null,
});

export const node1 = member('node1', {
  conn_url: 'postgres://127.0.0.1:15432/postgres',
  api_url: 'http://127.0.0.1:18008/patroni',
  state: 'running',
  role: 'primary',
  version: '4.1.4',
  timeline: 2,
  xlog_location: 50628720,
  tags: { clonefrom: true },
});

export const node2 = member('node2', {
  conn_url: 'postgres://127.0.0.1:15433/postgres',
  api_url: 'http://127.0.0.1:18009/patroni',
  state: 'running',
  role: 'replica',
  version: '4.1.4',
  timeline: 2,
  xlog_location: 0x30488a8,
  receive_lsn: 0x30488a8,
  replay_lsn: 0x30488a8,
  replication_state: 'streaming',
  tags: { nofailover: false, failover_priority: 2, region: 'eu' },
});

export const config = (value: unknown): Cluster['config'] => ({
  text: JSON.stringify(value),
  createRevision: revision(2n),
  modRevision: revision(3n),
  lease: null,
});

export const empty: Cluster = {
  revision: revision(1n),
  initialize: { kind: 'absent' },
  leader: null,
  members: [],
  status: null,
  failover: null,
  history: null,
  clusterTimeline: null,
  announced: null,
  unfenced: null,
  config: null,
  sync: null,
  failsafe: null,
  garbage: [],
};

/** node1 leads, node2 streams. */
export const demo: Cluster = {
  ...empty,
  initialize: { kind: 'done', systemId: '7711176136457438868', modRevision: revision(2n) },
  leader: { name: 'node1', term: term(4n), lease: null, modRevision: revision(4n) },
  members: [node1, node2],
  status: { optime: lsnOf(0x30488a8n), slots: {}, retainSlots: [], modRevision: revision(9n) },
  config: config({ ttl: 30, loop_wait: 10 }),
  history: {
    lines: [
      {
        timeline: timeline(1),
        end: lsnOf(50628496n),
        reason: 'no recovery target specified',
        at: '2026-11-23T01:44:52.969917+00:00',
        newLeader: 'node1',
      },
    ],
    modRevision: revision(7n),
  },
};
