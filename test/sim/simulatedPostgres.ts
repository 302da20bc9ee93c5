import '../../src/sim/postgres/agentAnswers.ts';
import { places } from '../../src/sim/settings.ts';
import { idleProcess } from './drive.ts';
import { serverAt } from './postgresHands.ts';
import { postgresLab } from './postgresLab.ts';

/** The same on simulated machines, one for each server. */
export function simulatedPostgres() {
  const { engine, postgres, a, b, c, trace } = postgresLab(1);
  // Between a promotion and its checkpoint there is time to look.
  postgres.tuning.checkpointMs = [5_000, 5_000];
  const servers = [a, b, c].map(({ machine, world }) =>
    serverAt({
      name: machine.name,
      world,
      dataDir: places.dataDir,
      binDir: places.binDir,
      socketDir: '/tmp',
      log: '/tmp/log',
      host: machine.name,
      port: 5432,
      launcher: [],
      conf: ['wal_level = logical', 'hot_standby_feedback = on'],
      said: () => Promise.resolve(trace.filter((line) => line.split(' ')[1] === machine.name).join('\n')),
      bystander: () => Promise.resolve(idleProcess(machine).pid),
    }),
  );
  return { engine, place: { servers, prepare: () => Promise.resolve() } };
}
