import { happeningText } from '../codec/rest/happening.ts';
import type { Happening } from '../model/live.ts';
import { hurtText } from '../model/part.ts';
import type { TrafficStatus } from '../traffic/meter.ts';
import { type LabStatus, witnessOf } from './status.ts';

/** Everything the screen shows at one instant. */
export interface Scene {
  readonly status: LabStatus;
  readonly leaseLeftMs: number | null;
  readonly events: readonly Happening[];
  readonly heading: string;
  /** Below everything: what to type. */
  readonly hints: readonly string[];
  readonly upForMs: number;
}

/** What a terminal takes as colour, not as text. */
export const colourCode = new RegExp(`(${String.fromCharCode(27)}\\[[0-9;]*m)`);

const bold = (text: string): string => `\x1b[1m${text}\x1b[22m`;
const dim = (text: string): string => `\x1b[2m${text}\x1b[22m`;
const colour = (code: number, text: string): string => `\x1b[${code}m${text}\x1b[39m`;
const green = (text: string): string => colour(32, text);
const red = (text: string): string => colour(31, text);
const yellow = (text: string): string => colour(33, text);

/** The lines of the screen, top to bottom, at most `height` of them; events get what is left. */
export function drawScene(scene: Scene, width: number, height: number): readonly string[] {
  const top = [
    `${bold(scene.heading)}  ${dim(`up ${duration(scene.upForMs)}`)}`,
    '',
    ...drawMembers(scene),
    '',
    ...drawTraffic('writes', scene.status.traffic.writer),
    ...drawTraffic('reads', scene.status.traffic.reader),
    '',
  ];
  const bottom = ['', ...scene.hints.map(dim)];
  const room = Math.max(0, height - top.length - bottom.length - 1);
  const events = room === 0 ? [] : scene.events.slice(-room);
  const told = events.map((one) => `${dim(clock(one.wall))} ${one.node.padEnd(6)} ${happeningText(one)}`);
  return [...top, ...told, ...bottom].slice(0, height - 1).map((line) => clip(line, width));
}

function drawMembers({ status, leaseLeftMs }: Scene): readonly string[] {
  const rows = status.machines
    .filter(({ name }) => name !== 'client')
    .map((machine) => {
      const member = status.members.find(({ name }) => name === machine.name);
      const marks = [
        machine.power === 'off' ? red('power off') : '',
        machine.cable === 'out' ? red('cable cut') : '',
        machine.saturated ? yellow('saturated') : '',
        ...machine.parts.flatMap((part) => (part.hurt === null ? [] : [yellow(hurtText(part))])),
        ...Object.entries(machine.processes)
          .filter(
            ([service, state]) =>
              machine.power === 'on' && (state === 'frozen' || (state === 'stopped' && service !== 'guardian')),
          )
          .map(([service, state]) => yellow(`${service} ${state}`)),
        machine.name === status.leader && leaseLeftMs !== null ? `lease ${(leaseLeftMs / 1000).toFixed(1)} s left` : '',
      ];
      const role = member?.role ?? '-';
      const leads = role.endsWith('leader');
      const state = member?.state ?? '-';
      const well = ['running', 'streaming'].includes(state);
      return [
        leads ? bold(machine.name.padEnd(8)) : machine.name.padEnd(8),
        leads ? bold(green(role.padEnd(9))) : role.padEnd(9),
        (well ? green : yellow)(state.padEnd(18)),
        String(member?.timeline ?? '-').padStart(4),
        (leads ? '-' : String(member?.lag ?? '-')).padStart(10),
        `  ${`${member?.host ?? machine.address}:${member?.port ?? 5432}`.padEnd(18)}`,
        marks.filter((mark) => mark !== '').join(', '),
      ].join(' ');
    });
  const heads = ['member'.padEnd(8), 'role'.padEnd(9), 'state'.padEnd(18), '  TL', 'lag'.padStart(10), '  host'];
  const note = (status.toldBy === null ? yellow : dim)(witnessOf(status));
  return [`${dim(heads.join(' '))}${' '.repeat(15)}${note}`, ...rows];
}

function drawTraffic(title: string, seen: TrafficStatus | null): readonly string[] {
  if (seen === null) return [`${title.padEnd(7)} ${dim('nothing yet')}`];
  const stuck = seen.gapMs !== null && seen.gapMs > 1500;
  const gap =
    seen.gapMs === null
      ? 'nothing acknowledged yet'
      : stuck
        ? red(`nothing for ${seconds(seen.gapMs)}`)
        : green('flowing');
  const from = seen.host === null ? '-' : `${seen.host}${seen.role === null ? '' : ` (${seen.role})`}`;
  const facts = [`last value ${seen.value ?? '-'}`, `${seen.perSecond}/s`, `longest gap ${seconds(seen.longestGapMs)}`];
  return [
    `${title.padEnd(7)} ${from.padEnd(26)} ${gap}, ${facts.join(', ')}${seen.unknown > 0 ? `, ${seen.unknown} unknown` : ''}`,
  ];
}

/**
 * Redraws without flicker: the cursor goes home and each line is overwritten and cleared to its end; terminals that know
 * synchronized output show the whole of it at once.
 */
export function frame(lines: readonly string[]): string {
  return `\x1b[?2026h\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J\x1b[?2026l`;
}

/** Another page of the terminal, so that what was there before comes back at the end. */
export const enterScreen = '\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J';
export const leaveScreen = '\x1b[?25h\x1b[?1049l';

/** Cuts what is seen, not the colours. */
function clip(line: string, width: number): string {
  let seen = 0;
  let out = '';
  for (const part of line.split(colourCode)) {
    if (part.startsWith('\x1b')) out += part;
    else {
      out += part.slice(0, Math.max(0, width - seen));
      seen += part.length;
    }
  }
  return out;
}

const seconds = (valueMs: number): string =>
  valueMs < 1000 ? `${Math.round(valueMs)} ms` : `${(valueMs / 1000).toFixed(1)} s`;
const clock = (wall: string): string => new Date(wall).toTimeString().slice(0, 8);

function duration(valueMs: number): string {
  const total = Math.floor(valueMs / 1000);
  return `${Math.floor(total / 60)}:${String(total % 60).padStart(2, '0')}`;
}
