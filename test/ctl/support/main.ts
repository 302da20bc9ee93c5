import { Command } from 'commander';
import { ctlCommands } from '../../../bin/ctl.ts';

/** The command line alone, as a process of its own. */
const program = new Command('matriarch').exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
ctlCommands(program);
await program.parseAsync(process.argv);
