import { listIncidents, showIncident } from '../src/ctl/incidents.ts';
import { UsageError } from '../src/ctl/problem.ts';
import { rehearse, whyNot } from '../src/ctl/rehearse.ts';
import { listReports, showReport } from '../src/ctl/reports.ts';
import { why } from '../src/ctl/why.ts';
import { whyAt } from '../src/ctl/whyAt.ts';
import { formatOf, type makeRunner, type Place } from './ctlRunner.ts';
import { whole } from './whole.ts';

interface WhyFlags extends Place {
  readonly last: number;
  readonly all?: true;
  readonly at?: string;
  readonly not?: string;
  readonly format: string;
}

/** Commands that change nothing, and say why things are as they are, or what would be. */
export function tellingCommands(
  { command, run }: Pick<ReturnType<typeof makeRunner>, 'command' | 'run'>,
  gather: (value: string, before: readonly string[]) => readonly string[],
): void {
  const format = ['-f, --format <format>', 'pretty, tsv, json, yaml', 'pretty'] as const;
  command('why', 'what an agent decided, by which rule, because of what; also when it is dead')
    .argument('[member]', 'default: the node of this configuration')
    .option('-n, --last <count>', 'so many entries', whole, 10)
    .option('-a, --all', 'also the cycles in which nothing happened')
    .option('--at <time>', 'the decision of that moment: 2026-11-25T20:13:51Z, 20:13:51 (UTC), 5m (ago)')
    .option('--not <member>', 'the same as why-not')
    .option(...format)
    .action((member: string | undefined, flags: WhyFlags) =>
      run(flags, (open) => {
        const ctl = open(undefined);
        const format = formatOf(flags.format);
        if (flags.not !== undefined) return whyNot(ctl, flags.not, format);
        if (flags.at !== undefined) return whyAt(ctl, { member: member ?? null, at: flags.at, format });
        return why(ctl, { member: member ?? null, last: flags.last, format, all: flags.all === true });
      }),
    );
  command('why-not', 'what keeps a member from being promoted now, rule by rule')
    .argument('<member>')
    .option(...format)
    .action((member: string, flags: Place & { format: string }) =>
      run(flags, (open) => whyNot(open(undefined), member, formatOf(flags.format))),
    );
  command('rehearse', 'what would happen without a member, or etcd: who takes over, after how long, and what is lost')
    .option('--without <name>', 'members, etcd, tag=value; default: the leader', gather, [])
    .option(...format)
    .action((flags: Place & { without: string[]; format: string }) =>
      run(flags, (open) => rehearse(open(undefined), flags.without, formatOf(flags.format))),
    );
  history('incidents', 'changes of role: what made them, what was decided, how long each part took, what was at risk', {
    list: listIncidents,
    show: showIncident,
  });
  history('report', 'what repairs threw away: how much, of which tables, and where its WAL is kept', {
    list: listReports,
    show: showReport,
  });

  /** What a member keeps of the past: the last so many, or one of them. */
  function history(
    name: string,
    description: string,
    { list, show }: { readonly list: typeof listIncidents; readonly show: typeof showIncident },
  ): void {
    command(name, description)
      .argument('[what]', 'so many, or: show', '20')
      .argument('[id]', 'of the one to show: its beginning will do, or: last', 'last')
      .option('-m, --member <name>', 'default: the node of this configuration, also when its agent is dead')
      .option(...format)
      .action((what: string, id: string, flags: Place & { member?: string; format: string }) =>
        run(flags, (open) => {
          const options = { member: flags.member ?? null, format: formatOf(flags.format) };
          if (what === 'show') return show(open(undefined), id, options);
          if (!/^\d{1,6}$/.test(what)) throw new UsageError(`'${what}' is neither a number nor 'show'`);
          return list(open(undefined), Number(what), options);
        }),
      );
  }
}
