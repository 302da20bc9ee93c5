import { compactJson } from '../../codec/dcs/json.ts';
import { slotNameOf } from '../../model/slotName.ts';
import type { Looked, Running } from './server.ts';
import { isBefore4, type PeerSettings } from './settings.ts';

export type PeerRole = 'uninitialized' | 'replica' | 'primary' | 'promoted' | 'demoted';

/** What a member knows of itself when it tells others. */
export interface Self {
  readonly state: string;
  readonly role: PeerRole;
  readonly looked: Looked;
  readonly pause: boolean;
  readonly systemId: string | null;
  /** A long action is under way: the server is not asked then. */
  readonly busy: boolean;
}

/** `master`, to Patroni before 4. */
const roleText = (role: PeerRole, { version }: PeerSettings): string =>
  role === 'primary' && isBefore4(version) ? 'master' : role;

const running = ({ looked }: Self): Running | null => (looked.kind === 'running' ? looked : null);

/** The member key. */
export function memberText(self: Self, settings: PeerSettings): string {
  const { name, version } = settings;
  const server = self.busy && self.role !== 'promoted' ? null : running(self);
  const full = !isBefore4(version);
  return compactJson({
    conn_url: `postgres://${name}:${settings.postgresPort}/postgres`,
    api_url: `http://${name}:${settings.restPort}/patroni`,
    state: self.state,
    role: roleText(self.role, settings),
    version,
    checkpoint_after_promote: checkpointPending(server) ? false : undefined,
    xlog_location: server?.position,
    replay_lsn: full && server?.inRecovery === true ? server.replayedLsn || undefined : undefined,
    receive_lsn: full && server?.inRecovery === true ? server.receivedLsn || undefined : undefined,
    replication_state: full && server?.inRecovery === true && server.streaming ? 'streaming' : undefined,
    timeline: server === null || server.timeline === 0 ? undefined : server.timeline,
    pause: self.pause || undefined,
  });
}

export const checkpointPending = (server: Running | null): boolean =>
  server !== null && !server.inRecovery && server.controlTimeline !== server.timeline;

/** GET /patroni, and the body of every health check. */
export function statusText(self: Self, settings: PeerSettings): string {
  const server = running(self);
  const positions =
    server === null
      ? {}
      : server.inRecovery
        ? { received_location: server.receivedLsn, replayed_location: server.replayedLsn, paused: false }
        : { location: server.position };
  return compactJson({
    state: server === null && self.state === 'running' ? 'unknown' : self.state,
    ...(server === null
      ? { role: roleText(self.role, settings) }
      : {
          postmaster_start_time: server.startedText,
          role: server.inRecovery ? 'replica' : roleText('primary', settings),
          server_version: 150018,
          xlog: positions,
          timeline: server.timeline === 0 ? undefined : server.timeline,
        }),
    pause: self.pause || undefined,
    database_system_identifier: self.systemId ?? undefined,
    patroni: { version: settings.version, scope: settings.scope, name: settings.name },
  });
}

/** /status of a leader: `optime` is where its log ends, or where it ended. */
export function leaderStatus(
  optime: bigint,
  slots: ReadonlyMap<string, bigint>,
  { name, version }: PeerSettings,
): string {
  if (isBefore4(version)) return compactJson({ optime });
  const own = slotNameOf(name);
  return compactJson({
    optime,
    slots: { ...Object.fromEntries(slots), [own]: optime },
    retain_slots: [...new Set([...slots.keys(), own])].sort(),
  });
}
