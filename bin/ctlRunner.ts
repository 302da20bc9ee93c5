import { type Command, type CommanderError, Option } from 'commander';
import type { CtlSettings } from '../src/codec/config/ctl.ts';
import type { Ctl, CtlDoors } from '../src/ctl/doors.ts';
import { Aborted, CtlError, refuse, UsageError } from '../src/ctl/problem.ts';

/** Which configuration and which etcd a command works with. */
export interface Place {
  readonly configFile?: string;
  readonly dcsUrl?: string;
  readonly dcs?: string;
  readonly insecure?: true;
}

/** Opens a cluster; without a name, that of the configuration. */
export interface Open {
  (scope: string | undefined): Ctl;
  /** The cluster that the configuration names. */
  readonly configured: string | null;
}

/** What all commands share: options, configuration, exit codes (1: refused or aborted, 2: called wrongly). */
export function makeRunner(program: Command, doors: CtlDoors) {
  const { terminal } = doors;
  const withPlace = (command: Command): Command =>
    command
      .option('-c, --config-file <file>', 'configuration (default: $PATRONICTL_CONFIG_FILE)')
      .option('-d, --dcs-url <url>', 'etcd instead of the configured one: [etcd3://]host:port[/namespace] ($DCS_URL)')
      .addOption(new Option('--dcs <url>', 'the same').hideHelp())
      .option('-k, --insecure', 'do not verify certificates of the REST API');
  withPlace(program).enablePositionalOptions();

  return {
    command: (name: string, about: string): Command =>
      withPlace(program.command(name).description(about))
        .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, 'Error:')) })
        .exitOverride((error: CommanderError) => process.exit(error.exitCode === 0 ? 0 : 2)),

    /** Ends the process with the command's exit code: connections to etcd would keep it alive. */
    async run(flags: Place, work: (open: Open) => Promise<void>): Promise<void> {
      process.once('SIGINT', () => {
        terminal.err('\nAborted!\n');
        process.exit(1);
      });
      try {
        await work(await opener(doors, { ...program.opts<Place>(), ...flags }));
        process.exitCode = 0;
      } catch (error) {
        process.exitCode = report(error, terminal.err);
      }
      terminal.close();
      process.exit();
    },
  };
}

async function opener(doors: CtlDoors, place: Place): Promise<Open> {
  const read = await doors.settings(place.configFile ?? null);
  if (read.kind === 'failed') return refuse(read.why);
  const { ctl } = read.settings;
  const insecure = ctl.insecure || place.insecure === true;
  // Another etcd is another one as a whole: no login, no certificate of the configured one goes there.
  const url = place.dcsUrl ?? place.dcs ?? (process.env.DCS_URL || undefined);
  const elsewhere = url === undefined ? {} : readDcsUrl(url);
  const settings: CtlSettings = { ...read.settings, ctl: { ...ctl, insecure }, ...elsewhere };
  const { etcd, namespace } = settings;
  if (etcd === null)
    return refuse(
      'Can not find suitable configuration of distributed configuration store: set etcd3 in the configuration (-c), or say where etcd is (-d)',
    );
  const http = doors.openHttp(settings);
  const say = (line: string): void => doors.terminal.out(`${line}\n`);
  const open = (name: string | undefined): Ctl => {
    const scope = required(name ?? settings.scope ?? undefined);
    return { doors, settings, scope, door: doors.openCluster(etcd, { namespace, scope }), http, say };
  };
  return Object.assign(open, { configured: settings.scope });
}

function readDcsUrl(text: string): Partial<CtlSettings> {
  const match = /^(?:([a-z0-9]+):\/\/)?([^:/]*)(?::(\d+))?(\/.*)?$/.exec(text);
  const [, scheme = 'etcd3', host, port = '2379', namespace] = match ?? [];
  if (match === null) return refuse(`Unknown dcs url: ${text}`);
  if (scheme !== 'etcd3' && scheme !== 'etcd') return refuse(`Unknown dcs scheme: ${scheme}`);
  const endpoints = [`http://${host || 'localhost'}:${port}`];
  const etcd = { endpoints, srv: null, useProxies: false, username: null, password: null, tls: null };
  return namespace === undefined || namespace === '/' ? { etcd } : { etcd, namespace };
}

function report(error: unknown, err: (text: string) => void): number {
  if (error instanceof Aborted) err('Aborted!\n');
  else if (error instanceof CtlError || error instanceof UsageError) err(`Error: ${error.message}\n`);
  else err(`Error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return error instanceof UsageError ? 2 : 1;
}

export function required(scope: string | undefined): string {
  if (scope === undefined) throw new UsageError("Missing argument 'CLUSTER_NAME'.");
  return scope;
}

export function oneOf<T extends string>(choices: readonly T[], value: string, option: string): T {
  const choice = choices.find((one) => one === value);
  if (choice !== undefined) return choice;
  const list = choices.map((one) => `'${one}'`).join(', ');
  throw new UsageError(`Invalid value for ${option}: '${value}' is not one of ${list}.`);
}

export function formatOf(value: string): 'pretty' | 'tsv' | 'json' | 'yaml' {
  const format = oneOf(['pretty', 'tsv', 'json', 'yaml', 'yml'], value, "'--format' / '-f'");
  return format === 'yml' ? 'yaml' : format;
}
