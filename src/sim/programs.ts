import type { Machine } from './machine.ts';
import type { PostgresWorld } from './postgres/instance.ts';
import { postgresProgram } from './postgres/postmaster.ts';
import { initdb, pgBasebackup, pgControldata, pgRewind, pgWaldump } from './postgres/tools.ts';
import type { Program } from './process.ts';
import { sentinelProgram } from './sentinel.ts';

/** What is installed on a database node. */
export function installPrograms(machine: Machine, postgres: PostgresWorld): void {
  machine.install('postgres', postgresProgram(postgres, machine));
  machine.install('initdb', initdb(postgres, machine));
  machine.install('pg_controldata', pgControldata(machine));
  machine.install('pg_basebackup', pgBasebackup(postgres, machine));
  machine.install('pg_rewind', pgRewind(postgres, machine));
  machine.install('pg_waldump', pgWaldump(machine));
  machine.install('sentinel.sh', sentinelProgram(machine));
  machine.install('sh', execArgs(machine, 0));
  machine.install('setpriv', (self, start) => execArgs(machine, start.args.indexOf('--') + 1)(self, start));
  machine.install('true', (self) => self.exit(0));
}

/** Becomes the program that its arguments name from there on, as exec does. */
const execArgs =
  (machine: Machine, from: number): Program =>
  (self, start) => {
    const [program, ...args] = start.args.slice(from);
    const body = program === undefined ? null : machine.programFor(program, args);
    if (program === undefined || body === null) return self.exit(127);
    self.become(program, args);
    body(self, { ...start, args });
  };
