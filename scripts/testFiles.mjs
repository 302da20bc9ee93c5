import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Groups of test files by their folders; all others are unit tests. */
export const folders = {
  simulator: ['test/sim/', 'test/scenarios/', 'test/acceptance/'],
  lab: ['test/lab/'],
  cluster: ['test/cluster/'],
};

/**
 * Unit tests with real servers and commands: a process each, since what they start, freeze and kill, and the root that some give
 * up, is the process's own. The longest first, so that no core is left to wait for a long one at the end. All others share one
 * process: to start each on its own takes far longer than they do.
 */
export const apart = [
  'test/agent/postgres/health.test.ts',
  'test/guardian/sentinel.test.ts',
  'test/agent/dcs/auth.test.ts',
  'test/guardian/link.test.ts',
  'test/guardian/guardian.test.ts',
  'test/agent/postgres/jobs.test.ts',
  'test/agent/postgres/report.test.ts',
  'test/agent/postgres/senders.test.ts',
  'test/ctl/program.test.ts',
  'test/agent/dcs/frozen-etcd.test.ts',
  'test/agent/postgres/slots.test.ts',
  'test/traffic/probeServer.test.ts',
  'test/agent/postgres/replicaMethods.test.ts',
  'test/agent/postgres/elsewhere.test.ts',
  'test/agent/postgres/justPromoted.test.ts',
  'test/agent/postgres/sameNumber.test.ts',
  'test/agent/postgres/gone.test.ts',
  'test/agent/postgres/marked.test.ts',
  'test/agent/postgres/repair.test.ts',
  'test/world/sql.test.ts',
  'test/agent/postgres/rolledBack.test.ts',
  'test/agent/postgres/heldByKernel.test.ts',
  'test/agent/postgres/mistakes.test.ts',
  'test/traffic/traffic.test.ts',
  'test/agent/dcs/lost-answers.test.ts',
  'test/agent/dcs/real-etcd.test.ts',
  'test/agent/postgres/clientKey.test.ts',
  'test/agent/postgres/promote.test.ts',
  'test/agent/dcs/garbled.test.ts',
  'test/agent/dcs/client.test.ts',
  'test/world/processes.test.ts',
  'test/bin/output.test.ts',
  'test/world/etcd/tls.test.ts',
  'test/world/etcd/transport.test.ts',
  'test/agent/dcs/vacancy.test.ts',
  'test/world/drop.test.ts',
];

/** Random stories: a thread for each core by themselves. */
export const seeds = 'test/sim/seeds.test.ts';

/**
 * Rehearsals ask all rules about worlds that are not, the conformance tests run real servers, and random stories reach tomorrow
 * what they do not today: none shows that a rule is at work. The longest first.
 */
export const noScenarios = [
  'test/sim/postgres-conformance.test.ts',
  'test/sim/stories.test.ts',
  'test/sim/etcd-conformance.test.ts',
  'test/sim/rehearse.test.ts',
];

/** Scenarios that take longest, in seconds on the machine on which they were measured; the others take a few. */
export const longest = {
  'test/sim/failsafe.test.ts': 29,
  'test/acceptance/everyStep.test.ts': 23,
  'test/sim/ttl.test.ts': 22,
  'test/sim/minimize.test.ts': 17,
  'test/sim/etcdGoes.test.ts': 20,
  'test/sim/quorum.test.ts': 16,
  'test/sim/patroni.test.ts': 16,
  'test/sim/pause.test.ts': 14,
  'test/sim/scheduledInPause.test.ts': 13,
  'test/sim/suspend.test.ts': 12,
  'test/sim/crashLoop.test.ts': 12,
  'test/sim/scenarios.test.ts': 11,
  'test/sim/ttlAndGuards.test.ts': 10,
  'test/sim/race.test.ts': 9,
  'test/sim/synchronous.test.ts': 9,
};

/** Tests of the lab's rooms that make no lab: they share a process. */
export const withoutLab = [
  'test/lab/bench.test.ts',
  'test/lab/clocks.test.ts',
  'test/lab/desk.test.ts',
  'test/lab/nemesis.test.ts',
  'test/lab/page.test.ts',
  'test/lab/perform.test.ts',
  'test/lab/plot.test.ts',
  'test/lab/proofs.test.ts',
  'test/lab/remote.test.ts',
  'test/lab/report.test.ts',
  'test/lab/sideWork.test.ts',
  'test/lab/status.test.ts',
  'test/lab/verdict.test.ts',
];

/** Files in so many shares of about the same length, the longest share first. */
export function sharesOf(files, count) {
  const secondsOf = (path) => longest[path] ?? 3;
  const shares = Array.from({ length: count }, () => ({ seconds: 0, files: [] }));
  for (const file of files.toSorted((a, b) => secondsOf(b) - secondsOf(a))) {
    const shortest = shares.reduce((a, b) => (b.seconds < a.seconds ? b : a));
    shortest.files.push(file);
    shortest.seconds += secondsOf(file);
  }
  return shares.toSorted((a, b) => b.seconds - a.seconds).map((share) => share.files);
}

/** Test files below some folders but for some, by their paths below the checkout. */
export function testFilesIn(some, but = []) {
  const names = readdirSync(join(root, 'test'), { recursive: true }).map(String);
  const all = names.filter((name) => name.endsWith('.test.ts')).map((name) => join('test', name));
  const missing = but.filter((path) => !path.endsWith('/') && !all.includes(path));
  if (missing.length > 0) throw new Error(`scripts/testFiles.mjs names what is not there: ${missing.join(', ')}`);
  return all
    .filter((path) => some.some((folder) => path.startsWith(folder)) && !but.some((other) => path.startsWith(other)))
    .sort();
}
