import type { Command } from 'commander';
import { campaignsOfLab } from './campaignLab.ts';
import { campaignSimulate } from './campaignSimulate.ts';

/** `npm run campaign NAME`: longer proofs, resumed where the last one ended, that add up over days. */
export function campaignCommand(program: Command): void {
  const campaign = program
    .command('campaign')
    .description(
      'longer proofs: each result is added to docs/track-record.jsonl, and the next call goes on from there',
    );
  campaignSimulate(campaign);
  campaignsOfLab(campaign);
}
