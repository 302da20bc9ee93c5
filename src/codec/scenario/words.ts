import { z } from 'zod';
import {
  type Duration,
  type RoleWord,
  roleWords,
  type Services,
  type ServiceWord,
  serviceWords,
  type Target,
} from '../../model/scenario.ts';
import { nearest } from '../config/places.ts';

/** The small grammar of scenarios: durations, targets and services as people write them. */

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };
const durationForms = 'write it as 5 s, 300 ms, 2 min, ttl, 2 ttl or ttl + 4 s';

/** `ttl + 4 s`, `2 ttl`, `300 ms`. Null: none of them. */
export function readDuration(text: string): Duration | null {
  let total: Duration = { ttls: 0, ms: 0 };
  for (const part of text.split('+')) {
    const match = /^\s*(?:(-?\d+(?:\.\d+)?)\s*)?(ttl|ms|s|min|h)\s*$/.exec(part);
    const [, number, unit = ''] = match ?? [];
    if (match === null || (number === undefined && unit !== 'ttl')) return null;
    const times = number === undefined ? 1 : Number(number);
    total =
      unit === 'ttl'
        ? { ...total, ttls: total.ttls + times }
        : { ...total, ms: total.ms + times * (unitsMs[unit] ?? 0) };
  }
  return total;
}

export const duration = z.custom<unknown>().transform((value, context): Duration => {
  const read = typeof value === 'string' ? readDuration(value) : null;
  if (read !== null) return read;
  context.addIssue({ code: 'custom', message: `${said(value)} is no duration: ${durationForms}` });
  return z.NEVER;
});

/** How long something takes or may take: only clocks are set back. */
export const span = z.custom<unknown>().transform((value, context): Duration => {
  const read = duration.safeParse(value);
  if (!read.success) return refuse(context, read.error.issues[0]?.message ?? 'no duration');
  if (read.data.ttls < 0 || read.data.ms < 0)
    return refuse(context, `${said(value)} is less than no time: ${durationForms}`);
  return read.data;
});

const groups: readonly RoleWord[] = ['replicas', 'all'];
const targetForms = `there are ${roleWords.join(', ')}, and nodes by name: node1, node2, …`;

function readTarget(text: string): Target | null {
  const role = roleWords.find((word) => word === text);
  if (role !== undefined) return { kind: 'role', role };
  return /^node[1-9]$/.test(text) ? { kind: 'node', name: text } : null;
}

/** One, a list, or `a and b`. */
export const targets = z.custom<unknown>().transform((value, context): readonly Target[] => {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  const words = given.flatMap((one): readonly unknown[] => (typeof one === 'string' ? listed(one) : [one]));
  return words.map((word) => {
    const read = typeof word === 'string' ? readTarget(word) : null;
    if (read !== null) return read;
    context.addIssue({
      code: 'custom',
      message: `${said(word)} is no machine${near(word, roleWords)}: ${targetForms}`,
    });
    return z.NEVER;
  });
});

export const oneTarget = targets.transform((read, context): Target => {
  const [only, other] = read;
  if (only !== undefined && other === undefined && !(only.kind === 'role' && groups.includes(only.role))) return only;
  context.addIssue({ code: 'custom', message: 'one machine is expected here, not several' });
  return z.NEVER;
});

const isClient = (target: Target): boolean => target.kind === 'role' && target.role === 'client';
const noServer = `client has no PostgreSQL, agent or etcd: name a node, or its role`;
/** Machines for what is done to a database, its agent or its etcd. */
export const members = targets.refine((read) => !read.some(isClient), { error: noServer });
export const oneMember = oneTarget.refine((read) => !isClient(read), { error: noServer });

/** `agent of primary`, `agent and guardian of primary and replica`. */
export const services = z.custom<unknown>().transform((value, context): Services => {
  const [, what = '', of = ''] = typeof value === 'string' ? (/^(.+?) of (.+)$/.exec(value) ?? []) : [];
  const words = listed(what);
  const wrong = words.find((word) => !isService(word));
  const machines = targets.safeParse(of);
  if (what === '')
    return refuse(context, `${said(value)} names no service of a machine: write it as "agent of primary"`);
  if (wrong !== undefined)
    return refuse(
      context,
      `${said(wrong)} is no service${near(wrong, serviceWords)}: there are ${serviceWords.join(', ')}`,
    );
  if (!machines.success) return refuse(context, machines.error.issues[0]?.message ?? 'no machine');
  const known = words.filter(isService);
  const misplaced = known.find((word) => machines.data.some((target) => isClient(target) !== (word === 'haproxy')));
  if (misplaced !== undefined)
    return refuse(
      context,
      misplaced === 'haproxy'
        ? 'haproxy runs on client alone: write it as "haproxy of client"'
        : `${misplaced} does not run on client: haproxy alone does`,
    );
  return { services: known, of: machines.data };
});

const isService = (text: string): text is ServiceWord => serviceWords.some((word) => word === text);

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

const listed = (text: string): readonly string[] => text.split(/\s*,\s*|\s+and\s+/).map((word) => word.trim());

function near(word: unknown, known: readonly string[]): string {
  const found = typeof word === 'string' ? nearest(word, known) : null;
  return found === null ? '' : ` (did you mean ${found}?)`;
}

export const said = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));
