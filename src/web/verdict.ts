import type { Beside, MachinePicture, Picture } from '../model/live.ts';
import type { PlayPicture } from '../model/livePlay.ts';
import { bytes, duration } from './words.ts';

export type Tone = 'good' | 'warn' | 'bad';

/** How the whole is, in a sentence. */
export interface Verdict {
  readonly tone: Tone;
  readonly sentence: string;
}

export const leads = ({ member }: MachinePicture): boolean => member?.role.endsWith('leader') === true;

/** Its PostgreSQL takes writes, as its own agent says: what etcd tells of roles may be older. */
export const takesWrites = ({ own }: MachinePicture): boolean => own?.postgres === 'running primary';

/** Patroni before 3.0.3 calls a streaming replica running. */
export const follows = ({ member }: MachinePicture): boolean =>
  member !== null && ['streaming', 'running'].includes(member.state) && !member.role.endsWith('leader');

export function verdictOf(picture: Picture): Verdict {
  const { machines, leader } = picture;
  if (picture.paused) return { tone: 'warn', sentence: 'Paused: nothing is done by itself' };
  const members = machines.filter(({ member }) => member !== null);
  if (picture.toldBy === null && members.length === 0)
    return { tone: 'warn', sentence: 'No agent that knows the cluster answers yet' };
  if (picture.toldBy === null) return { tone: 'bad', sentence: 'etcd answers nobody who can be asked' };
  if (leader === null) return { tone: 'bad', sentence: 'Nobody leads' };
  const leading = machines.find(({ name }) => name === leader);
  if (leading?.member?.state !== 'running' || isOut(leading))
    return { tone: 'bad', sentence: `${leader} holds the leader key, and does not serve` };
  const others = machines.filter(({ name }) => name !== leader);
  const following = others.filter(
    (machine) => follows(machine) && !isOut(machine) && machine.member?.timeline === leading.member?.timeline,
  );
  const missing = others.filter((machine) => !following.includes(machine)).map(({ name }) => name);
  if (missing.length > 0)
    return {
      tone: 'warn',
      sentence: `${leader} leads; ${missing.join(' and ')} ${missing.length === 1 ? 'does' : 'do'} not follow`,
    };
  const number = following.length === 2 ? 'both others follow' : `all ${following.length} others follow`;
  return { tone: 'good', sentence: following.length === 0 ? `${leader} leads, alone` : `${leader} leads, ${number}` };
}

/** What would follow if the leader died now; null: it does not serve any more, or nobody can say. */
export function foresightOf({ outlook, machines }: Picture): Verdict | null {
  const leading = machines.find(({ name }) => name === outlook?.leader);
  if (outlook === null || leading?.member?.state !== 'running' || isOut(leading)) return null;
  const when = `If ${outlook.leader} died now:`;
  if (outlook.kind === 'nobody')
    return { tone: 'warn', sentence: `${when} nobody would take over, because ${outlook.why}` };
  const { heirs, afterMs, bytesAtRisk, leader } = outlook;
  const risk =
    bytesAtRisk === null
      ? `how much is at risk only ${leader} sees`
      : `${bytes(bytesAtRisk).replace(/ B$/, ' bytes')} at risk`;
  return { tone: 'good', sentence: `${when} ${heirs.join(' or ')} in about ${duration(afterMs)}, ${risk}` };
}

/** How a scenario stands. */
export function standOf({ verdict, doing, steps, endedWallMs }: PlayPicture): {
  readonly tone: Tone | 'quiet';
  readonly sentence: string;
} {
  const then = endedWallMs === null && doing !== null ? `; ${doing}` : '';
  if (verdict !== null) {
    const tones = { passed: 'good', failed: 'bad', stopped: 'warn' } as const;
    return { tone: tones[verdict.kind], sentence: `${verdict.kind}${then}` };
  }
  if (doing !== null) return { tone: 'quiet', sentence: doing };
  const at = steps.findIndex(({ state }) => state === 'now');
  return { tone: 'quiet', sentence: at < 0 ? 'begins' : `step ${at + 1} of ${steps.length}` };
}

/** Deaf, mute, or both; null: its cable works both ways. */
export const cableHurt = ({ parts }: Beside): string | null => parts.find(({ part }) => part === 'cable')?.hurt ?? null;

/** Nobody reaches it: known only where somebody stands beside it. */
const isOut = ({ beside }: MachinePicture): boolean =>
  beside !== null && (beside.power === 'off' || beside.cable === 'out');
