import type { Entry } from '../model/decision.ts';
import type { GuardAsk, GuardReply, GuardState } from '../model/guard.ts';
import { instantMs, leaseId, type Pid, pid as pidOf, term } from '../model/units.ts';
import type { ProcessInfo } from '../model/world.ts';

/** What agent, guardian and sentinel write for each other: the state on disk, and the lines on their socket. */

export const bootIdPath = '/proc/sys/kernel/random/boot_id';
/** The state, for whoever starts next. */
export const guardFile = (stateDir: string): string => `${stateDir}/guard.json`;
/** Its one number, for the sentinel. */
export const deadlineFile = (stateDir: string): string => `${stateDir}/deadline`;
export const socketFile = (stateDir: string): string => `${stateDir}/guardian.sock`;
export const guardianPidFile = (stateDir: string): string => `${stateDir}/guardian.pid`;
export const sentinelPidFile = (stateDir: string): string => `${stateDir}/sentinel.pid`;
/** Which postmaster was told to become the primary last: `<pid> <start ticks>`. In recovery it is no harmless standby any more. */
export const toldFile = (stateDir: string): string => `${stateDir}/told-to-promote`;
export const writeTold = ({ pid, startTicks }: Pick<ProcessInfo, 'pid' | 'startTicks'>): string =>
  `${pid} ${startTicks}\n`;

export const disarmedState = (bootId: string, dataDir: string): GuardState => ({
  bootId,
  dataDir,
  deadlineMs: null,
  lease: null,
  term: null,
  ttlMs: null,
  sentMs: null,
});

const withText = (state: GuardState) => ({
  ...state,
  lease: state.lease?.toString() ?? null,
  term: state.term?.toString() ?? null,
});

export const writeGuardState = (state: GuardState): string => `${JSON.stringify(withText(state))}\n`;

/** `<ms since boot, or none> <boot id>`. Whole ms, rounded down: the shell has no fractions. */
export const writeDeadline = ({ deadlineMs, bootId }: GuardState): string =>
  `${deadlineMs === null ? 'none' : Math.floor(deadlineMs)} ${bootId}\n`;

/** Null: this is no guard state. */
export function readGuardState(text: string): GuardState | null {
  const value = objectOf(text);
  if (value === null || typeof value.bootId !== 'string' || typeof value.dataDir !== 'string') return null;
  return stateFrom(value, value.bootId, value.dataDir);
}

/** What a guardian says that it holds. */
export const heldBy = (reply: GuardReply, bootId: string, dataDir: string): GuardState =>
  stateFrom({ ...reply }, bootId, dataDir) ?? disarmedState(bootId, dataDir);

function stateFrom(value: Readonly<Record<string, unknown>>, bootId: string, dataDir: string): GuardState | null {
  const { deadlineMs, ttlMs, sentMs } = value;
  if (deadlineMs === null) return disarmedState(bootId, dataDir);
  const lease = bigintOf(value.lease);
  const reign = bigintOf(value.term);
  if (!isMs(deadlineMs) || !isMs(ttlMs) || !isMs(sentMs) || lease === null || reign === null) return null;
  return {
    bootId,
    dataDir,
    deadlineMs: instantMs(deadlineMs),
    lease: leaseId(lease),
    term: term(reign),
    ttlMs,
    sentMs: instantMs(sentMs),
  };
}

/** `<pid> <start in clock ticks>`: a process's identity, as guardian and sentinel leave it on disk. */
export function readIdentity(text: string): { readonly pid: Pid; readonly startTicks: number } | null {
  const match = /^(\d+) (\d+)\s*$/.exec(text);
  return match === null ? null : { pid: pidOf(Number(match[1])), startTicks: Number(match[2]) };
}

// ---- the socket: one JSON object a line ---------------------------------------------------------------------------

export type Asked =
  | { readonly kind: 'ask'; readonly ask: GuardAsk }
  | { readonly kind: 'wrong'; readonly id: number; readonly why: string };

/** Reads one line of the agent. An agent of another version may ask what is not known here: it is told so. */
export function readAsk(line: string): Asked {
  const value = objectOf(line);
  const id = value !== null && typeof value.id === 'number' ? value.id : 0;
  const wrong = (why: string): Asked => ({ kind: 'wrong', id, why });
  if (value === null) return wrong('no JSON object');
  switch (value.ask) {
    case 'hello':
      return isMs(value.agentPid)
        ? { kind: 'ask', ask: { id, ask: 'hello', agentPid: value.agentPid } }
        : wrong('hello: agentPid is no number');
    case 'deadline':
    case 'lower': {
      const { deadlineMs, ttlMs, sentMs } = value;
      const lease = bigintOf(value.lease);
      const reign = bigintOf(value.term);
      return isMs(deadlineMs) && isMs(ttlMs) && isMs(sentMs) && lease !== null && reign !== null
        ? {
            kind: 'ask',
            ask: { id, ask: value.ask, deadlineMs, ttlMs, sentMs, lease: `${lease}`, term: `${reign}` },
          }
        : wrong(`${value.ask}: deadlineMs, ttlMs and sentMs are numbers, lease and term numbers in quotes`);
    }
    case 'disarm':
      return { kind: 'ask', ask: { id, ask: 'disarm', paused: value.paused === true } };
    case 'leave':
    case 'bye':
      return { kind: 'ask', ask: { id, ask: value.ask } };
    default:
      return wrong(`unknown ask ${JSON.stringify(value.ask)}`);
  }
}

/** `why` null: it was done. */
export const writeReply = (
  id: number,
  why: string | null,
  me: { readonly pid: number; readonly version: string },
  state: GuardState,
): string => {
  const { deadlineMs, lease, term, ttlMs, sentMs } = withText(state);
  const held = { deadlineMs, lease, term, ttlMs, sentMs };
  const reply: GuardReply = { id, ok: why === null, why, guardianPid: me.pid, version: me.version, ...held };
  return JSON.stringify(reply);
};

export const writeNote = (entry: GuardEntry): string => JSON.stringify({ note: entry });

export type GuardEntry = Extract<Entry, { kind: 'guard' }>;

/** The guardian's log, a line each; what cannot be read is passed over. */
export const readGuardLog = (text: string): readonly GuardEntry[] =>
  text.split('\n').flatMap((line): readonly GuardEntry[] => {
    const { atMs, wall, step, because } = objectOf(line) ?? {};
    if (!isMs(atMs) || typeof wall !== 'string' || typeof step !== 'string') return [];
    return [{ kind: 'guard', atMs: instantMs(atMs), wall, step, because: factsOf(because) }];
  });

/** What comes from the guardian: an answer, or word of something that it did. */
export type Heard =
  | { readonly kind: 'reply'; readonly reply: GuardReply }
  | { readonly kind: 'note'; readonly step: string; readonly wall: string; readonly because: GuardEntry['because'] };

/** Null: not understood. */
export function readHeard(line: string): Heard | null {
  const value = objectOf(line);
  if (value === null) return null;
  if (typeof value.note === 'object' && value.note !== null) {
    const note: Readonly<Record<string, unknown>> = { ...value.note };
    const { step, wall, because } = note;
    if (typeof step !== 'string' || typeof wall !== 'string') return null;
    return { kind: 'note', step, wall, because: factsOf(because) };
  }
  const { id, ok, why, guardianPid, version, deadlineMs, lease, term, ttlMs, sentMs } = value;
  if (typeof id !== 'number' || typeof ok !== 'boolean' || typeof guardianPid !== 'number') return null;
  return {
    kind: 'reply',
    reply: {
      id,
      ok,
      why: typeof why === 'string' ? why : null,
      guardianPid,
      version: typeof version === 'string' ? version : 'unknown',
      deadlineMs: isMs(deadlineMs) ? deadlineMs : null,
      lease: typeof lease === 'string' ? lease : null,
      term: typeof term === 'string' ? term : null,
      ttlMs: isMs(ttlMs) ? ttlMs : null,
      sentMs: isMs(sentMs) ? sentMs : null,
    },
  };
}

function factsOf(value: unknown): GuardEntry['because'] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((fact: unknown) => {
    if (!Array.isArray(fact)) return [];
    const [name, said]: unknown[] = fact;
    const plain = said === null || typeof said === 'string' || typeof said === 'number' || typeof said === 'boolean';
    return typeof name === 'string' && plain ? [[name, said] as const] : [];
  });
}

const isMs = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const bigintOf = (value: unknown): bigint | null =>
  typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : null;

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
