import { z } from 'zod';
import { awaited, type MachineVerb, type ServiceVerb, type ServiceWord, type Step } from '../../model/scenario.ts';
import { nearest } from '../config/places.ts';
import { duration, members, oneMember, said, services, span, targets } from './words.ts';

/** Each step is one verb and what it is done to: `- power off: primary`. */
const verbs: Readonly<Record<string, z.ZodType<Step>>> = {
  wait: span.transform((read): Step => ({ kind: 'wait', duration: read })),
  'wait for': waitedFor(),
  cut: machines('cut'),
  heal: machines('heal'),
  'power off': machines('powerOff'),
  'power on': machines('powerOn'),
  deafen: machines('deafen'),
  mute: machines('mute'),
  kill: programs('kill'),
  terminate: programs('terminate'),
  freeze: programs('freeze'),
  thaw: programs('thaw'),
  start: started(),
  renice: programs('renice'),
  saturate: machines('saturate'),
  relieve: machines('relieve'),
  'fill disk': machines('fillDisk'),
  'free disk': machines('freeDisk'),
  'slow etcd disk': record({ of: members, by: span }).transform((read): Step => ({ kind: 'slowDisk', ...read })),
  'hasten etcd disk': machines('hastenDisk', members),
  'stall flushes': machines('stallFlushes', members),
  'flush again': machines('flushAgain', members),
  'use up connections': machines('useUpConnections', members),
  'give back connections': machines('giveBackConnections', members),
  'set clock': record({ of: members, by: duration }).transform((read): Step => ({ kind: 'setClock', ...read })),
  switchover: handover('switchover'),
  failover: handover('failover'),
  restart: machines('restart', members),
  reinit: machines('reinit', members),
  pause: record({}).transform((): Step => ({ kind: 'pause' })),
  resume: record({}).transform((): Step => ({ kind: 'resume' })),
  'rotate password': record({}).transform((): Step => ({ kind: 'rotatePassword' })),
  transaction: record({ of: oneMember, for: span }).transform(
    (read): Step => ({ kind: 'transaction', of: read.of, duration: read.for }),
  ),
  dump: dumped(),
  pgbench: record({ of: oneMember, for: span }).transform(
    (read): Step => ({ kind: 'pgbench', of: read.of, duration: read.for }),
  ),
  load: z
    .string()
    .regex(/^\d+ MB$/, { error: 'so many megabytes are expected: 100 MB' })
    .transform((text): Step => ({ kind: 'load', mb: Number.parseInt(text, 10) })),
};

export type StepRead =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'wrong'; readonly path: readonly PropertyKey[]; readonly what: string };

export function readStep(value: unknown): StepRead {
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  const [entry] = entries;
  if (entry === undefined || entries.length > 1)
    return { kind: 'wrong', path: [], what: `one verb and its object are expected, as in "kill: agent of primary"` };
  const [verb, object] = entry;
  const reader = verbs[verb];
  if (reader === undefined) {
    const near = nearest(verb, Object.keys(verbs));
    const hint = near === null ? '' : `; did you mean "${near}"?`;
    return { kind: 'wrong', path: [verb], what: `no such verb${hint} There are ${Object.keys(verbs).join(', ')}` };
  }
  const read = reader.safeParse(object);
  if (read.success) return { kind: 'step', step: read.data };
  const [issue] = read.error.issues;
  return { kind: 'wrong', path: [verb, ...(issue?.path ?? [])], what: issue?.message ?? 'not understood' };
}

function machines(kind: MachineVerb, of: typeof targets | typeof members = targets) {
  return of.transform((read): Step => ({ kind, of: read }));
}

/** `steady writes`, or services that are to run, or to end: `postmaster of primary`, `end of etcd of node1`. */
function waitedFor() {
  const words = oneOf(awaited).transform((what): Step => ({ kind: 'waitFor', what }));
  const running = services.transform((what): Step => ({ kind: 'waitForServices', what }));
  const ending = services.transform((what): Step => ({ kind: 'waitForEnd', what }));
  return z.custom<unknown>().transform((value, context): Step => {
    const text = typeof value === 'string' ? value : '';
    const end = /^end of (.+)$/.exec(text)?.[1];
    const read = end === undefined ? (/ of /.test(text) ? running : words).safeParse(value) : ending.safeParse(end);
    if (read.success) return read.data;
    context.addIssue({ code: 'custom', message: read.error.issues[0]?.message ?? 'not understood' });
    return z.NEVER;
  });
}

/** `primary`, or `{ of: primary, for: 5 s }`. */
function dumped() {
  const slow = record({ of: oneMember, for: span.optional() });
  return z
    .preprocess((value) => (typeof value === 'string' ? { of: value } : value), slow)
    .transform((read): Step => ({ kind: 'dump', of: read.of, duration: read.for ?? { ttls: 0, ms: 0 } }));
}

function programs(kind: ServiceVerb) {
  return services.transform((what): Step => ({ kind, what }));
}

/** What nobody starts but the agent comes back with it. */
function started() {
  return services.transform((what, context): Step => {
    const other = what.services.find((word) => !startable.includes(word));
    if (other === undefined) return { kind: 'start', what };
    context.addIssue({
      code: 'custom',
      message: `${other} is started by the agent: start one of ${startable.join(', ')}`,
    });
    return z.NEVER;
  });
}
const startable: readonly ServiceWord[] = ['agent', 'etcd', 'haproxy'];

/** `switchover: { to: replica }`; with `in: 5 s` scheduled, with `by: answers` as a person does it. */
function handover(kind: 'switchover' | 'failover') {
  const shape = {
    to: oneMember.optional(),
    in: span.optional(),
    by: z.enum(['flags', 'answers']).default('flags'),
    meanwhile: z.boolean({ error: 'yes or no is expected' }).default(false),
  };
  return record(shape).transform((read): Step => {
    const { to = null, in: after = null, by, meanwhile } = read;
    return { kind, to, after, asked: by === 'answers', meanwhile };
  });
}

/** A mapping with these keys and no others; nothing at all is an empty one. */
function record<T extends z.ZodRawShape>(shape: T) {
  const known = Object.keys(shape);
  const wanted = known.length === 0 ? 'nothing' : `a mapping with ${known.join(', ')}`;
  return z.preprocess(
    (value) => value ?? {},
    z.strictObject(shape, {
      error: ({ code, input }) =>
        code === 'unrecognized_keys' || code === 'invalid_type'
          ? `${wanted} is expected, not ${said(input)}`
          : undefined,
    }),
  );
}

function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: ({ input }) => `${said(input)} is unknown: there are ${words.join(', ')}` });
}
