import { makeEnding } from '../src/lab/ending.ts';
import type { Campaign } from '../src/lab/report/campaign.ts';
import { type CampaignOptions, runCampaign } from '../src/lab/scenario/campaign.ts';

/** Plays scenarios until all are played or somebody ends it: then the lab goes, and what was being played is not judged. */
export async function playAll(options: Omit<CampaignOptions, 'began' | 'over'>): Promise<Campaign> {
  const ending = makeEnding();
  let down = async (): Promise<void> => {};
  let over = false;
  const running = runCampaign({ ...options, began: (end) => (down = end), over: () => over });
  const ended = ending.ended.then((why) => {
    over = true;
    options.say(`ending (${why}): what is being played is not judged`);
    return why;
  });
  const endedBy = await Promise.race([running.played.then(() => null), ended]).finally(() => down());
  return running.soFar(endedBy);
}
