import type { ActionResult, Fact, SeenBrief } from './decision.ts';
import type { PlayPicture, ScenarioPicture } from './livePlay.ts';
import type { PartPicture } from './part.ts';

/** What the live page shows, and what every server of it sends: plain data, it travels as JSON. */

export type LiveMessage =
  /** All that is now. `wallMs`: the server's clock at sending, so that a page with another clock counts right. */
  | { readonly kind: 'picture'; readonly wallMs: number; readonly picture: Picture }
  /** What happened since the message before; at first what is known of the time before. The oldest first. */
  | { readonly kind: 'happened'; readonly happenings: readonly Happening[] }
  | { readonly kind: 'lanes'; readonly lanes: readonly Lane[] }
  /** Of a lab alone, once: the scenarios that come with it. */
  | { readonly kind: 'scenarios'; readonly scenarios: readonly ScenarioPicture[] }
  /** Of the scenario that is played, or was played last; whenever something of it changes. */
  | { readonly kind: 'play'; readonly play: PlayPicture | null }
  /** Nothing new, and the server lives. */
  | { readonly kind: 'pulse'; readonly wallMs: number };

export interface Picture {
  readonly source: 'lab' | 'agent';
  readonly scope: string;
  /** When the lab was made, or this agent began. */
  readonly sinceWallMs: number;
  /** Whose word on roles this is; null: nobody who answers knows. */
  readonly toldBy: string | null;
  readonly leader: string | null;
  readonly paused: boolean;
  /** Null: nobody leads, or nobody who answers can rehearse. */
  readonly outlook: Outlook | null;
  readonly machines: readonly MachinePicture[];
  /** Null: an agent knows nothing of clients. */
  readonly client: ClientPicture | null;
}

/** What would follow if the leader died now: an agent's rehearsal by its last look. `because`: how it came to that. */
export type Outlook =
  | {
      readonly kind: 'takesOver';
      readonly leader: string;
      /** The first one, or others that stand as well: whom etcd hears first. */
      readonly heirs: readonly string[];
      /** As it goes mostly; a promotion that nobody has seen yet is not in it. */
      readonly afterMs: number;
      /** Null: only the leader sees both ends at once, and this is not its word. */
      readonly bytesAtRisk: number | null;
      readonly because: readonly Fact[];
    }
  | { readonly kind: 'nobody'; readonly leader: string; readonly why: string; readonly because: readonly Fact[] };

export interface MachinePicture {
  readonly name: string;
  readonly address: string | null;
  /** As etcd tells of it; null: it is no member. */
  readonly member: MemberPicture | null;
  /** As its own agent tells of itself; null: it is not heard. */
  readonly own: OwnPicture | null;
  /** As only somebody who stands beside the machine can see; null on an agent's page. */
  readonly beside: Beside | null;
}

export interface MemberPicture {
  readonly role: string;
  readonly state: string;
  readonly timeline: number | null;
  /** Null: the leader, or unknown. */
  readonly lagBytes: number | null;
}

export interface OwnPicture {
  /** `running primary`, `stopped`, … */
  readonly postgres: string;
  readonly timeline: number | null;
  readonly lsn: string | null;
  /** The right to write ends at `endsWallMs`; a renewal gives it `wholeMs` again. Null: it has none. */
  readonly lease: { readonly endsWallMs: number; readonly wholeMs: number } | null;
  readonly guard: string;
  /** Who would stop PostgreSQL with agent and guardian frozen together. */
  readonly freezeGuard: string | null;
  readonly job: string | null;
  /** Null: etcd answers it. */
  readonly etcdSilentBecause: string | null;
  readonly rule: string;
  readonly reason: string;
  readonly because: readonly Fact[];
}

export interface Beside {
  readonly power: 'on' | 'off';
  /** Null: this lab has none. */
  readonly cable: 'in' | 'out' | null;
  /** Every core busy, so that its programs get little of them. */
  readonly saturated: boolean;
  readonly parts: readonly PartPicture[];
  readonly services: readonly ServicePicture[];
}

export interface ServicePicture {
  readonly name: string;
  readonly state: 'running' | 'frozen' | 'stopped';
  /** Of etcd: leader, follower, no leader. */
  readonly note: string | null;
}

export interface ClientPicture {
  readonly address: string;
  readonly beside: Beside;
  /** Null: HAProxy does not answer. */
  readonly proxies: readonly ProxyPicture[] | null;
}

/** One of HAProxy's ports and the servers it deals to. */
export interface ProxyPicture {
  readonly name: string;
  readonly port: number;
  readonly servers: readonly { readonly name: string; readonly up: boolean; readonly sessions: number }[];
}

/** What a client felt. Samples and gaps are those since the message before; a gap is told again as it grows. */
export interface Lane {
  readonly kind: 'write' | 'read';
  readonly now: LaneNow | null;
  readonly samples: readonly LaneSample[];
  readonly gaps: readonly LaneGap[];
}

export interface LaneNow {
  readonly host: string | null;
  readonly role: string | null;
  readonly perSecond: number;
  readonly latencyMs: number | null;
  readonly longestGapMs: number;
  readonly failed: number;
  readonly unknown: number;
}

export interface LaneSample {
  readonly wallMs: number;
  readonly perSecond: number;
  readonly host: string | null;
}

export interface LaneGap {
  readonly fromWallMs: number;
  /** Null: it goes on. */
  readonly toWallMs: number | null;
}

/** One line of what happened, and why. */
export interface Happening {
  /** Of the node's own clock; in a lab, which knows better, put right where that is wrong. */
  readonly wall: string;
  /** CLOCK_BOOTTIME of its machine. Null: what people do. */
  readonly atMs: number | null;
  /** How far its node's clock was ahead of the lab's. */
  readonly skewMs: number;
  /** A machine, `you`, or `play` for a scenario. */
  readonly node: string;
  readonly kind: 'decided' | 'changed' | 'job' | 'guard' | 'note' | 'deed';
  readonly text: string;
  readonly because: readonly Fact[];
  /** Of a decision. */
  readonly decision: HappenedDecision | null;
}

export interface HappenedDecision {
  readonly rule: string;
  readonly passed: readonly string[];
  readonly did: readonly ActionResult[];
  readonly seen: SeenBrief;
}
