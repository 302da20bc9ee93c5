import type { ControlData } from '../../src/model/postgres.ts';
import type { Finished } from '../../src/model/world.ts';
import { exitOf, type Running, type Server } from './postgresHands.ts';

const watched = ['PG_VERSION', 'global/pg_control', 'standby.signal', 'backup_label', 'postmaster.pid', 'promote'];

interface View {
  readonly runs: string;
  readonly control: string;
  readonly files: readonly string[];
  readonly histories: readonly number[];
  readonly role?: string;
  readonly timeline?: number;
  readonly slots?: readonly string[];
  readonly senders?: readonly string[];
  readonly checkpointPending?: boolean;
  readonly receiver?: string;
  readonly upstream?: string;
  readonly paused?: boolean;
}

/** All of a server that somebody outside may see, without what differs from run to run. */
export async function view(server: Server): Promise<View> {
  const found = await server.postmaster();
  const seen = found === null ? null : await server.look();
  const there = await Promise.all(watched.map(async (name) => ((await server.has(name)) ? [name] : [])));
  return {
    runs: found?.status ?? 'no',
    control: controlOf(await server.control()),
    files: there.flat(),
    histories: await server.histories(),
    ...(seen === null ? {} : roleOf(seen)),
  };
}

const controlOf = (control: ControlData | null): string =>
  control === null
    ? 'none'
    : [
        `${control.state}, timeline ${control.timeline}`,
        control.minRecoveryEnd > 0n ? `recovers to timeline ${control.minRecoveryEndTimeline}` : 'recovers to no point',
        control.checksums ? 'checksums' : 'no checksums',
      ].join(', ');

function roleOf(seen: Running) {
  const shared = {
    timeline: seen.timeline,
    slots: seen.slots.map(
      ({ name, kind, active, restartLsn }) =>
        `${name} ${kind}${active ? ' active' : ''}${restartLsn === null ? '' : ' reserved'}`,
    ),
    senders: seen.senders.map(({ applicationName, state }) => `${applicationName} ${state}`).sort(),
  };
  if (seen.role === 'primary') return { role: seen.role, ...shared, checkpointPending: seen.checkpointPending };
  const { receiver } = seen;
  return {
    role: seen.role,
    ...shared,
    receiver: receiver === null ? 'none' : `${receiver.status} on ${receiver.timeline} by slot ${receiver.slotName}`,
    upstream: seen.upstream === null ? 'none' : `slot ${seen.upstream.slot}`,
    paused: seen.replayPaused,
  };
}

/** What a tool said, by the words that somebody acts on. */
const toldByTools = {
  'is not empty': /exists but is not empty/,
  'no connection': /connection to server at .* failed/,
  'same timeline': /source and target cluster are on the same timeline/,
  diverged: /servers diverged at WAL location/,
  'no rewind required': /no rewind required/,
  copies: /need to copy/,
  done: /Done!/,
  'no standby alone': /standby mode is not supported by single-user servers/,
  'other system': /from different systems/,
} as const;

export function told(finished: Finished): string {
  const text = finished.kind === 'exited' ? finished.stdout + finished.stderr : '';
  const words = Object.entries(toldByTools).flatMap(([name, said]) => (said.test(text) ? [name] : []));
  return [exitOf(finished), ...words].join(', ');
}
