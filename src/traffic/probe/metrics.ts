import type { Histogram } from './histogram.ts';
import type { ProbeStatus } from './probe.ts';

type Labels = Readonly<Record<string, string>>;
interface Sample {
  /** What follows the metric's name: `_bucket`. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}
type PathOf = ProbeStatus['paths'][number];
interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly help: string;
  /** Of one path; the labels of the path come with it. */
  readonly of: (path: PathOf) => readonly Sample[];
}

/** All numbers in the base units of Prometheus: seconds. */
const metrics: readonly Metric[] = [
  {
    name: 'up',
    type: 'gauge',
    help: '1 while statements are answered; 0 once the gap is longer than the threshold, and before the first answer.',
    of: ({ up }) => [{ value: Number(up) }],
  },
  {
    name: 'gap_seconds',
    type: 'gauge',
    help: 'Time since the last answered statement, or since the probe began.',
    of: ({ gapMs }) => [{ value: gapMs / 1_000 }],
  },
  {
    name: 'gap_longest_seconds',
    type: 'gauge',
    help: 'Longest time between two answered statements since the probe began, the running one included.',
    of: ({ longestGapMs }) => [{ value: longestGapMs / 1_000 }],
  },
  {
    name: 'gaps_total',
    type: 'counter',
    help: 'Times without an answer that were longer than the threshold, the running one included.',
    of: ({ gaps }) => [{ value: gaps }],
  },
  {
    name: 'downtime_seconds_total',
    type: 'counter',
    help: 'Time in those gaps, each from the answer before it to the one after it; it grows while a gap runs.',
    of: ({ downMs }) => [{ value: downMs / 1_000 }],
  },
  {
    name: 'attempts_total',
    type: 'counter',
    help: 'Statements and tries to connect by outcome; unknown: the answer was lost, it may have been written or not.',
    of: ({ attempts }) => Object.entries(attempts).map(([outcome, count]) => ({ labels: { outcome }, value: count })),
  },
  {
    name: 'errors_total',
    type: 'counter',
    help: 'What was not answered by SQLSTATE, or unreachable, or lost.',
    of: ({ errors }) => Object.entries(errors).map(([error, count]) => ({ labels: { error }, value: count })),
  },
  {
    name: 'wrong_writes_total',
    type: 'counter',
    help: 'Writes that were answered and are lost, doubled or reordered; or were refused and are there (invented); or stand in another database system.',
    of: ({ kind, findings }) =>
      kind === 'read' ? [] : Object.entries(findings).map(([what, count]) => ({ labels: { what }, value: count })),
  },
  {
    name: 'connections_total',
    type: 'counter',
    help: 'Connections that came about.',
    of: ({ connections }) => [{ value: connections }],
  },
  {
    name: 'host_changes_total',
    type: 'counter',
    help: 'How often another host answered than before.',
    of: ({ hostChanges }) => [{ value: hostChanges }],
  },
  {
    name: 'host_info',
    type: 'gauge',
    help: 'Always 1; the label host is who answered last, role what it was.',
    of: ({ host, role }) => (host === null ? [] : [{ labels: { host, role: role ?? 'unknown' }, value: 1 }]),
  },
  {
    name: 'last_answer_timestamp_seconds',
    type: 'gauge',
    help: 'When the last statement was answered, by the clock of the probe.',
    of: ({ lastAnswerWallMs }) => (lastAnswerWallMs === null ? [] : [{ value: lastAnswerWallMs / 1_000 }]),
  },
  {
    name: 'statement_seconds',
    type: 'histogram',
    help: 'How long answered statements took.',
    of: ({ latency }) => histogramSamples(latency),
  },
];

/** GET /metrics, in the text format of Prometheus. */
export function metricsText(status: ProbeStatus): string {
  const ofPaths = metrics.map((metric) =>
    metricLines(
      metric,
      status.paths.flatMap((path) =>
        metric.of(path).map((sample) => ({
          ...sample,
          labels: { kind: path.kind, target: path.target, ...sample.labels },
        })),
      ),
    ),
  );
  const ofProbe = [
    metricLines(
      { name: 'gap_threshold_seconds', type: 'gauge', help: 'From this length on a time without an answer is a gap.' },
      [{ value: status.thresholdMs / 1_000 }],
    ),
    metricLines(
      {
        name: 'stood_still_seconds_total',
        type: 'counter',
        help: 'Time in which the probe itself did not run; it counts as no gap.',
      },
      [{ value: status.stoodStillMs / 1_000 }],
    ),
  ];
  return [...ofPaths, ...ofProbe].join('');
}

/** Nothing for a metric without samples. */
function metricLines({ name, type, help }: Omit<Metric, 'of'>, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const full = `matriarch_probe_${name}`;
  const lines = samples.map(
    ({ suffix = '', labels = {}, value }) => `${full}${suffix}${labelsText(labels)} ${numberText(value)}`,
  );
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines].map((line) => `${line}\n`).join('');
}

const histogramSamples = ({ buckets, count, sumMs }: Histogram): readonly Sample[] => [
  ...[...buckets.map(({ leMs, count: upTo }) => [String(leMs / 1_000), upTo] as const), ['+Inf', count] as const].map(
    ([le, value]) => ({ suffix: '_bucket', labels: { le }, value }),
  ),
  { suffix: '_sum', value: sumMs / 1_000 },
  { suffix: '_count', value: count },
];

const labelsText = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};
const escaped = (value: string): string => value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
/** To the microsecond: nothing here is more exact. */
const numberText = (value: number): string => String(Math.round(value * 1e6) / 1e6);
