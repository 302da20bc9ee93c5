import { z } from 'zod';
import type { Duration, Expectations, RoleWord, Scenario, Step, Target } from '../../model/scenario.ts';
import { nearest, parsePlaced } from '../config/places.ts';
import { misfitOf, missingIn } from './misfit.ts';
import { readStep } from './steps.ts';
import { duration, oneTarget, said, span } from './words.ts';

export type ScenarioRead =
  | { readonly kind: 'ok'; readonly scenario: Scenario }
  | { readonly kind: 'bad'; readonly problems: readonly string[] };

const sentence = (what: string) =>
  z
    .string({ error: ({ input }) => `${what} is expected, not ${said(input)}` })
    .trim()
    .min(1, { error: `${what} is expected` });
const whole = (from: number, to: number) =>
  z
    .number({ error: `a whole number from ${from} to ${to} is expected` })
    .int()
    .min(from)
    .max(to);

const setUp = z.strictObject({
  nodes: whole(1, 9).default(3),
  ttl: duration
    .transform(({ ttls, ms }, context) => {
      if (ttls === 0 && ms >= 1000 && ms % 1000 === 0) return ms / 1000;
      context.addIssue({ code: 'custom', message: 'whole seconds are expected, as in 30 s' });
      return z.NEVER;
    })
    .optional(),
  'disk MB': whole(200, 100_000).default(1024),
  'fake clocks': z.boolean({ error: 'yes or no is expected' }).default(false),
  config: z.record(z.string(), z.unknown(), { error: 'a mapping, merged into the configuration files' }).default({}),
});

const leading: readonly RoleWord[] = ['primary', 'replica', 'another replica'];
/** Who is known at the beginning, and may lead in the end. */
const mayLead = (target: Target): boolean => target.kind === 'node' || leading.includes(target.role);
const changes = ['changed', 'unchanged', 'any'] as const;
const primary = z.custom<unknown>().transform((value, context): Expectations['primary'] => {
  const change = changes.find((word) => word === value);
  if (change !== undefined) return change;
  const target = oneTarget.safeParse(value);
  if (target.success && mayLead(target.data)) return target.data;
  context.addIssue({
    code: 'custom',
    message: `${said(value)}: say ${changes.join(', ')}, or who must lead in the end: replica, node2, …`,
  });
  return z.NEVER;
});

const expectations = z.strictObject({
  primary: primary.optional(),
  'write gap': span.optional(),
  'proxied write gap': span.optional(),
  'read gap': span.optional(),
  'proxied read gap': span.optional(),
  'streaming within': span.optional(),
  'lost writes': z
    .custom<unknown>()
    .transform((value, context): Duration | null => {
      if (value === 'none') return null;
      const read = span.safeParse(value);
      if (read.success) return read.data;
      context.addIssue({ code: 'custom', message: `${read.error.issues[0]?.message ?? 'no duration'}, or none` });
      return z.NEVER;
    })
    .optional(),
});

const file = z.strictObject({
  title: sentence('a title'),
  description: sentence('one sentence that describes it'),
  long: z.boolean({ error: 'yes or no is expected' }).default(false),
  red: sentence('why it is known to fail').optional(),
  'set-up': setUp.prefault({}),
  steps: z.array(z.unknown(), { error: 'a list of steps is expected, as in "- cut: primary"' }).min(1, {
    error: 'at least one step is expected',
  }),
  expect: expectations,
});
const known: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(file.shape),
  'set-up': Object.keys(setUp.shape),
  expect: Object.keys(expectations.shape),
};

/** Reads a scenario. Every complaint names file, line and column, the path there, and what to write instead. */
export function readScenario(text: string, fileName: string, name: string): ScenarioRead {
  const parsed = parsePlaced(text, fileName);
  if (parsed.kind === 'bad') return parsed;
  const problems: string[] = [];
  const wrong = (path: readonly PropertyKey[], what: string): void =>
    void problems.push(`${parsed.placed.at(path)}: ${path.length === 0 ? '' : `${told(path)}: `}${what}`);

  const read = file.safeParse(parsed.value);
  if (!read.success)
    for (const issue of read.error.issues) {
      if (issue.code !== 'unrecognized_keys') wrong(issue.path, missing(issue.path, parsed.value) ?? issue.message);
      else for (const key of issue.keys) wrong([...issue.path, key], unknownKey(key, issue.path));
    }
  const given = new Map<string, unknown>(Object.entries(parsed.value ?? {}));
  // Read by itself: a slip elsewhere must not hide what does not fit it.
  const asked = setUp.prefault({}).safeParse(given.get('set-up'));
  const lab = asked.success ? { nodes: asked.data.nodes, fakeClocks: asked.data['fake clocks'] } : null;
  const written = given.get('steps');
  const steps: Step[] = [];
  for (const [index, value] of (Array.isArray(written) ? written : []).entries()) {
    const step = readStep(value);
    if (step.kind === 'wrong') {
      wrong(['steps', index, ...step.path], step.what);
      continue;
    }
    steps.push(step.step);
    const misfit = lab === null ? null : misfitOf(step.step, lab);
    if (misfit !== null) wrong(['steps', index, ...Object.keys(value)], misfit);
  }
  const leads = read.success ? read.data.expect.primary : undefined;
  const missingOne = typeof leads === 'object' && lab !== null ? missingIn(leads, lab) : null;
  if (missingOne !== null) wrong(['expect', 'primary'], missingOne);
  if (!read.success || problems.length > 0) return { kind: 'bad', problems };
  const { title, description, long, red, expect, 'set-up': made } = read.data;
  return {
    kind: 'ok',
    scenario: {
      name,
      title,
      description,
      long,
      red: red ?? null,
      setUp: {
        nodes: made.nodes,
        ttlS: made.ttl ?? null,
        diskMb: made['disk MB'],
        fakeClocks: made['fake clocks'],
        config: made.config,
      },
      steps,
      expect: {
        primary: expect.primary ?? 'any',
        writeGap: expect['write gap'] ?? null,
        proxiedWriteGap: expect['proxied write gap'] ?? null,
        readGap: expect['read gap'] ?? null,
        proxiedReadGap: expect['proxied read gap'] ?? null,
        streamingWithin: expect['streaming within'] ?? null,
        lostWrites: expect['lost writes'] ?? null,
      },
    },
  };
}

/** `steps[2].kill` */
const told = (path: readonly PropertyKey[]): string =>
  path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`)).join('');

function missing(path: readonly PropertyKey[], value: unknown): string | null {
  const [key, ...rest] = path;
  const there = typeof value === 'object' && value !== null && key !== undefined && key in value;
  return rest.length === 0 && !there ? 'missing, and needed' : null;
}

function unknownKey(key: string, path: readonly PropertyKey[]): string {
  const names = known[path.join('.')] ?? [];
  const near = nearest(key, names);
  return `unknown${near === null ? '' : `; did you mean "${near}"?`}; there are ${names.join(', ')}`;
}
