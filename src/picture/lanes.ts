import type { Right, Role } from '../model/history.ts';
import { escaped } from './page.ts';

/** A picture of who was what when: a lane a node, all of them on one axis of time. */
export interface Scale {
  readonly fromMs: number;
  readonly untilMs: number;
  x(ms: number): number;
}

export const left = 76;
const width = 1304;
export const top = 34;
export const laneHeight = 64;

export const scaleOf = (fromMs: number, untilMs: number): Scale => ({
  fromMs,
  untilMs,
  x: (ms) => left + ((Math.min(Math.max(ms, fromMs), untilMs) - fromMs) / (untilMs - fromMs)) * width,
});

export const svg = (height: number, inner: string): string =>
  `<svg viewBox="0 0 ${left + width + 20} ${height}" role="img">${inner}</svg>`;

/** What is marked below a lane: something that was done to the node. */
export interface LaneMark {
  readonly atMs: number;
  readonly text: string;
  readonly of: 'fault' | 'mended';
}

export interface Lane {
  readonly node: string;
  readonly topY: number;
  readonly roles: readonly Role[];
  readonly rights: readonly Right[];
  readonly marks: readonly LaneMark[];
}

/** The role of its PostgreSQL, its right to lead above it and what was done to it below. */
export function drawLane({ node, topY, roles, rights, marks }: Lane, scale: Scale): string {
  return [
    `<text class="node" x="${left - 10}" y="${topY + 29}">${escaped(node)}</text>`,
    ...rights.map(({ fromMs, untilMs, term }) =>
      bar(scale, { fromMs, untilMs, y: topY + 6, tall: 5, of: 'right' }, `${node}: right to lead, term ${term}`),
    ),
    ...roles.map(({ fromMs, untilMs, role }) =>
      bar(scale, { fromMs, untilMs, y: topY + 14, tall: 22, of: role }, `${node}: ${role}`),
    ),
    ...marks.map(({ atMs, text, of }) => mark(scale, atMs, topY + 42, of, text)),
  ].join('');
}

export interface Bar {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly y: number;
  readonly tall: number;
  readonly of: string;
}

/** A stretch of time; what it is stands in its title, with its times since the beginning of the picture. */
export function bar({ x, fromMs: zero }: Scale, { fromMs, untilMs, y, tall, of }: Bar, words: string): string {
  const wide = Math.max(x(untilMs) - x(fromMs), 0.5);
  const when = `${seconds(fromMs - zero)} to ${seconds(untilMs - zero)}`;
  return `<rect class="${of}" x="${px(x(fromMs))}" y="${y}" width="${px(wide)}" height="${tall}"><title>${escaped(`${words}, ${when}`)}</title></rect>`;
}

export function mark({ x, fromMs }: Scale, atMs: number, y: number, of: string, text: string): string {
  const words = escaped(`${seconds(atMs - fromMs)} ${text}`);
  return `<path class="${of}" d="M${px(x(atMs))} ${y}l-4 7h8z"><title>${words}</title></path>`;
}

/** About twelve marks, at round numbers of seconds. */
export function axis({ fromMs, untilMs, x }: Scale, height: number): string {
  const spanS = (untilMs - fromMs) / 1000;
  const step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600].find((s) => spanS / s <= 14) ?? 1200;
  const marks: string[] = [];
  for (let s = 0; s <= spanS; s += step) {
    const at = px(x(fromMs + s * 1000));
    marks.push(`<path class="grid" d="M${at} ${top}V${height}"/><text class="time" x="${at}" y="22">${s} s</text>`);
  }
  return marks.join('');
}

export const legendOf = (entries: readonly (readonly [of: string, words: string])[]): string =>
  entries.map(([of, words]) => `<span><i class="${of}"></i>${escaped(words)}</span>`).join('');

export const px = (value: number): string => value.toFixed(1);
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(3)} s`;
