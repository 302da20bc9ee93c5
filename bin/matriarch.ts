import './output.ts';
import { Command } from 'commander';
import { agentCommand } from './agent.ts';
import { campaignCommand } from './campaign.ts';
import { ctlCommands } from './ctl.ts';
import { labCommands } from './lab.ts';
import { probeCommand } from './probe.ts';
import { simulateCommand } from './simulate.ts';
import { trafficCommands } from './traffic.ts';
import { version } from './version.ts';

const program = new Command('matriarch')
  .description('High availability for PostgreSQL: outwardly Patroni, inwardly an agent that says why')
  .version(version)
  .showHelpAfterError()
  // Called wrongly: 2, as patronictl has it. 1 is for what was refused.
  .exitOverride(({ code, exitCode }) => process.exit(exitCode === 0 || code === 'commander.help' ? exitCode : 2))
  .enablePositionalOptions();

agentCommand(program);
ctlCommands(program);
labCommands(program);
trafficCommands(program);
probeCommand(program);
simulateCommand(program);
campaignCommand(program);

await program.parseAsync(process.argv);
