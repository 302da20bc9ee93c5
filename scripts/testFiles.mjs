import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Groups of test files by their folders; all others are unit tests. */
export const folders = {
  simulator: ['test/sim/', 'test/scenarios/'],
  lab: ['test/lab/'],
  cluster: ['test/cluster/'],
};

/**
 * Unit tests with real servers and commands: a process each, since what they start, freeze and kill, and the root that some give
 * up, is the process's own. The longest first, so that no core is left to wait for a long one at the end. All others share one
 * process (together.mjs): to start each on its own takes far longer than they do.
 */
export const apart = [
  'test/agent/postgres/health.test.ts',
  'test/guardian/sentinel.test.ts',
  'test/ctl/program.test.ts',
  'test/guardian/guardian.test.ts',
  'test/agent/dcs/real-etcd.test.ts',
  'test/agent/postgres/senders.test.ts',
  'test/guardian/link.test.ts',
  'test/agent/postgres/report.test.ts',
  'test/agent/postgres/jobs.test.ts',
  'test/traffic/probeServer.test.ts',
  'test/agent/postgres/gone.test.ts',
  'test/agent/postgres/repair.test.ts',
  'test/agent/postgres/slots.test.ts',
  'test/world/sql.test.ts',
  'test/agent/postgres/heldByKernel.test.ts',
  'test/agent/postgres/mistakes.test.ts',
  'test/agent/postgres/promote.test.ts',
  'test/agent/dcs/lost-answers.test.ts',
  'test/traffic/traffic.test.ts',
  'test/agent/dcs/auth.test.ts',
  'test/agent/dcs/client.test.ts',
  'test/agent/dcs/vacancy.test.ts',
  'test/world/etcd/transport.test.ts',
  'test/world/etcd/tls.test.ts',
  'test/world/processes.test.ts',
  'test/bin/output.test.ts',
  'test/world/drop.test.ts',
];

/** Test files below some folders, by their paths below the checkout. */
export function testFilesIn(some) {
  const names = readdirSync(join(root, 'test'), { recursive: true }).map(String);
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', name))
    .filter((path) => some.some((folder) => path.startsWith(folder)))
    .sort();
}

/** Unit tests that share a process. */
export function together() {
  const others = [...Object.values(folders).flat(), ...apart];
  const all = testFilesIn(['test/']);
  const missing = apart.filter((path) => !all.includes(path));
  if (missing.length > 0)
    throw new Error(`apart of scripts/testFiles.mjs names what is not there: ${missing.join(', ')}`);
  return all.filter((path) => !others.some((other) => path.startsWith(other)));
}
