import type { Command } from 'commander';
import { roleNames } from '../src/ctl/choose.ts';
import { editConfig, showConfig } from '../src/ctl/config.ts';
import type { Ctl, CtlDoors } from '../src/ctl/doors.ts';
import { dsn } from '../src/ctl/dsn.ts';
import { flushRestarts, flushSwitchover } from '../src/ctl/flush.ts';
import { history } from '../src/ctl/history.ts';
import { list } from '../src/ctl/list.ts';
import { setPause } from '../src/ctl/pause.ts';
import { reinit } from '../src/ctl/reinit.ts';
import { reload } from '../src/ctl/reload.ts';
import { restart } from '../src/ctl/restart.ts';
import { handover } from '../src/ctl/switchover.ts';
import { memberVersions } from '../src/ctl/version.ts';
import { makeCtlDoors } from './ctlDoors.ts';
import { formatOf, makeRunner, type Open, oneOf, type Place, required } from './ctlRunner.ts';
import { tellingCommands } from './ctlTelling.ts';

interface ListFlags extends Place {
  readonly extended?: true;
  readonly timestamp?: true;
  readonly format: string;
  /** `-w` alone cannot be told from `-W` here: both repeat. */
  readonly W?: true;
  readonly watch?: string;
}
interface Asking extends Place {
  readonly force?: true;
}
interface MemberFlags extends Asking {
  readonly role: string;
}

/** `matriarch list`, `switchover`, …: arguments, texts and exit codes as `patronictl` has them. */
export function ctlCommands(program: Command, doors: CtlDoors = makeCtlDoors()): void {
  const { command, run } = makeRunner(program, doors);
  const force = ['--force', 'do not ask'] as const;
  const role = ['-r, --role <role>', roleNames.join(', '), 'any'] as const;
  const format = ['-f, --format <format>', 'pretty, tsv, json, yaml', 'pretty'] as const;
  const watch = (name: string, about: string): Command =>
    command(name, about)
      .argument('[cluster...]')
      .option('-W', 'repeat every 2 seconds')
      .option('-w, --watch <seconds>', 'repeat this often');

  /** None at all: there is nothing to list, which is no error. */
  function openAll(scopes: readonly string[], open: Open): readonly Ctl[] {
    if (scopes.length > 0) return scopes.map((scope) => open(scope));
    if (open.configured !== null) return [open(undefined)];
    doors.terminal.err('WARNING: Listing members: No cluster names were provided\n');
    return [];
  }

  watch('list', 'the members, who leads, and how far behind the others are')
    .option('-e, --extended', 'all columns')
    .option('-t, --timestamp', 'the time above')
    .option(...format)
    .action((scopes: string[], flags: ListFlags) =>
      run(flags, async (open) => {
        const clusters = openAll(scopes, open);
        const { extended, timestamp } = flags;
        const options = { extended: extended === true, timestamp: timestamp === true, everyMs: everyMs(flags) };
        await list(clusters, { ...options, format: formatOf(flags.format) });
      }),
    );
  watch('topology', 'the members as a tree: who streams from whom').action((scopes: string[], flags: ListFlags) =>
    run(flags, (open) => {
      const clusters = openAll(scopes, open);
      return list(clusters, { format: 'topology', extended: false, timestamp: false, everyMs: everyMs(flags) });
    }),
  );
  command('switchover', 'hand the lead over, now or at a set time')
    .argument('[cluster]')
    .option('--leader, --primary <name>', 'the current leader')
    .option('--candidate <name>', 'who shall lead')
    .option('--scheduled <time>', 'when, ISO 8601')
    .option(...force)
    .action((scope: string | undefined, flags: Asking & { primary?: string; candidate?: string; scheduled?: string }) =>
      run(flags, (open) =>
        handover(open(scope), {
          action: 'switchover',
          leader: flags.primary ?? null,
          candidate: flags.candidate ?? null,
          scheduled: flags.scheduled ?? null,
          force: flags.force === true,
        }),
      ),
    );
  command('failover', 'make a member the leader, also when there is none')
    .argument('[cluster]')
    .option('--candidate <name>', 'who shall lead')
    .option(...force)
    .action((scope: string | undefined, flags: Asking & { candidate?: string }) =>
      run(flags, (open) =>
        handover(open(scope), {
          action: 'failover',
          leader: null,
          candidate: flags.candidate ?? null,
          scheduled: null,
          force: flags.force === true,
        }),
      ),
    );
  command('restart', 'restart PostgreSQL on members')
    .argument('[cluster]')
    .argument('[member...]')
    .option(...role)
    .option('--any', 'one of them, by chance')
    .option('--scheduled <time>', 'when, ISO 8601')
    .option('--pg-version <version>', 'only below this PostgreSQL version')
    .option('--pending', 'only where a restart is pending')
    .option('--timeout <seconds>', 'for the start')
    .option(...force)
    .action(
      (
        scope: string | undefined,
        names: string[],
        flags: MemberFlags & { any?: true; scheduled?: string; pgVersion?: string; pending?: true; timeout?: string },
      ) =>
        run(flags, (open) =>
          restart(open(required(scope)), {
            names,
            role: oneOf(roleNames, flags.role, "'--role' / '-r'"),
            any: flags.any === true,
            scheduled: flags.scheduled ?? null,
            pgVersion: flags.pgVersion ?? null,
            pending: flags.pending === true,
            timeout: flags.timeout ?? null,
            force: flags.force === true,
          }),
        ),
    );
  command('reload', 'have members read their configuration files again')
    .argument('[cluster]')
    .argument('[member...]')
    .option(...role)
    .option(...force)
    .action((scope: string | undefined, names: string[], flags: MemberFlags) =>
      run(flags, (open) =>
        reload(open(required(scope)), {
          names,
          role: oneOf(roleNames, flags.role, "'--role' / '-r'"),
          force: flags.force === true,
        }),
      ),
    );
  command('reinit', "throw a replica's data away and clone it anew")
    .argument('[cluster]')
    .argument('[member...]')
    .option('--from-leader', 'clone from the leader')
    .option('--wait', 'until it is done')
    .option(...force)
    .action((scope: string | undefined, names: string[], flags: Asking & { fromLeader?: true; wait?: true }) =>
      run(flags, (open) =>
        reinit(open(required(scope)), {
          names,
          fromLeader: flags.fromLeader === true,
          wait: flags.wait === true,
          force: flags.force === true,
        }),
      ),
    );
  command('flush', 'take back what is scheduled: restarts of members, or the switchover')
    .argument('<cluster>')
    .argument('<what...>', 'members (none: all), and then restart or switchover')
    .option(...role)
    .option(...force)
    .action((scope: string, words: string[], flags: MemberFlags) =>
      run(flags, (open) => {
        const names = words.slice(0, -1);
        const what = oneOf(['restart', 'switchover'], words.at(-1) ?? '', "'{restart|switchover}'");
        if (what === 'switchover') return flushSwitchover(open(scope));
        const roleName = oneOf(roleNames, flags.role, "'--role' / '-r'");
        return flushRestarts(open(scope), { names, role: roleName, force: flags.force === true });
      }),
    );
  command('dsn', 'how to connect to a member')
    .argument('[cluster]')
    .option('-r, --role <role>', roleNames.join(', '))
    .option('-m, --member <name>', 'this one')
    .action((scope: string | undefined, flags: Place & { role?: string; member?: string }) =>
      run(flags, (open) =>
        dsn(open(scope), {
          role: flags.role === undefined ? null : oneOf(roleNames, flags.role, "'--role' / '-r'"),
          member: flags.member ?? null,
        }),
      ),
    );
  for (const [name, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const)
    command(name, paused ? 'let the agents only watch' : 'let the agents act again')
      .argument('[cluster]')
      .option('--wait', 'until all members know')
      .action((scope: string | undefined, flags: Place & { wait?: true }) =>
        run(flags, (open) => setPause(open(scope), paused, { wait: flags.wait === true })),
      );
  command('show-config', "the cluster's dynamic configuration")
    .argument('[cluster]')
    .action((scope: string | undefined, flags: Place) => run(flags, (open) => showConfig(open(scope))));
  command('edit-config', "change the cluster's dynamic configuration")
    .argument('[cluster]')
    .option('-q, --quiet', 'do not show the changes')
    .option('-s, --set <name=value>', 'set one value, by its dotted name', gather, [])
    .option('-p, --pg <name=value>', 'set one PostgreSQL parameter', gather, [])
    .option('--apply <file>', 'merge this file, or - for the input')
    .option('--replace <file>', 'take this file instead, or - for the input')
    .option(...force)
    .action(
      (
        scope: string | undefined,
        flags: Asking & { quiet?: true; set: string[]; pg: string[]; apply?: string; replace?: string },
      ) =>
        run(flags, (open) =>
          editConfig(open(scope), {
            quiet: flags.quiet === true,
            set: flags.set,
            pg: flags.pg,
            apply: flags.apply ?? null,
            replace: flags.replace ?? null,
            force: flags.force === true,
          }),
        ),
    );
  command('history', 'past changes of leader')
    .argument('[cluster]')
    .option(...format)
    .action((scope: string | undefined, flags: Place & { format: string }) =>
      run(flags, (open) => history(open(scope), formatOf(flags.format))),
    );
  command('version', 'of this program, and of what runs on the members')
    .argument('[cluster]')
    .argument('[member...]')
    .action((scope: string | undefined, names: string[], flags: Place) =>
      run(flags, async (open) => {
        doors.terminal.out(`matriarch version ${doors.version}\n`);
        if (scope !== undefined) await memberVersions(open(scope), names);
      }),
    );
  tellingCommands({ command, run }, gather);
}

function everyMs({ W, watch }: ListFlags): number | null {
  const seconds = Number(watch);
  if (seconds > 0) return seconds * 1000;
  return W === true ? 2000 : null;
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value];
