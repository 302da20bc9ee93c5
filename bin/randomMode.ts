import { Option } from 'commander';
import { synchronousModes } from '../src/lab/scenario/modes.ts';

/** Of faults at random, wherever they are asked for. */
export const randomMode = (): Option =>
  new Option('--mode <mode>', 'of random: how the lab replicates')
    .choices(['async', ...synchronousModes])
    .default('async');
