import type { Beside, Happening, MachinePicture, Picture, ServicePicture } from '../../src/model/live.ts';

/** A lab of three machines at work, as its page is told of it; `nth`: what changes from look to look. */
export function busyPicture(nth: number): Picture {
  const machine = (name: string, host: number): MachinePicture => {
    const leads = name === 'node1';
    return {
      name,
      address: `10.77.0.${host}`,
      member: {
        role: leads ? 'leader' : 'replica',
        state: leads ? 'running' : 'streaming',
        timeline: 3,
        lagBytes: leads ? null : nth,
      },
      own: {
        postgres: leads ? 'running primary' : 'running standby',
        timeline: 3,
        lsn: `0/50${nth.toString(16).padStart(5, '0').toUpperCase()}`,
        lease: leads ? { endsWallMs: Date.now() + 20_000, wholeMs: 25_000 } : null,
        guard: leads ? 'armed' : 'disarmed',
        freezeGuard: leads ? 'sentinel' : null,
        job: null,
        etcdSilentBecause: null,
        rule: leads ? 'primary.healthy' : 'standby.following',
        reason: leads ? 'this node is the primary, with the lease and a guard' : 'this node follows the leader',
        because: [['leader', 'node1']],
      },
      beside: beside(['postgres', 'agent', 'guardian', 'etcd'], ['cable', 'disk', 'etcdDisk', 'walDisk', 'clock']),
    };
  };
  const machines = [machine('node1', 11), machine('node2', 12), machine('node3', 13)];
  return {
    source: 'lab',
    scope: 'stampede',
    sinceWallMs: Date.now() - 60_000,
    toldBy: 'node1',
    leader: 'node1',
    paused: false,
    outlook: { kind: 'takesOver', leader: 'node1', heirs: ['node2'], afterMs: 17_500, bytesAtRisk: nth, because: [] },
    machines,
    client: {
      address: '10.77.0.2',
      beside: beside(['haproxy'], ['cable']),
      proxies: ['writes', 'reads'].map((name, at) => ({
        name,
        port: 5_000 + at,
        servers: machines.map((one) => ({ name: one.name, up: true, sessions: 1 })),
      })),
    },
  };
}

const beside = (services: readonly string[], parts: readonly Beside['parts'][number]['part'][]): Beside => ({
  power: 'on',
  cable: 'in',
  saturated: false,
  parts: parts.map((part) => ({ part, hurt: null, locked: null })),
  services: services.map((name): ServicePicture => ({ name, state: 'running', note: null })),
});

/** A decision with all that may come with one. */
export const decidedAt = (wallMs: number, nth: number): Happening => ({
  wall: new Date(wallMs).toISOString(),
  atMs: null,
  skewMs: 0,
  node: `node${1 + (nth % 3)}`,
  kind: 'decided',
  text: `race.waiting: event ${nth} of a storm, and somebody else may be further`,
  because: [
    ['leader', null],
    ['position', '0/5000100'],
    ['ahead', 'node2'],
  ],
  decision: {
    rule: 'race.waiting',
    passed: Array.from({ length: 40 }, (_, at) => `rule.number${at}`),
    did: [{ action: 'askPeers', outcome: 'done', why: null, tookMs: 1 }],
    seen: {
      postgres: 'running standby',
      timeline: 3,
      lsn: '0/5000100',
      dcs: 'reachable',
      leader: null,
      leaseLeftMs: null,
      guard: 'disarmed',
      job: null,
    },
  },
});
