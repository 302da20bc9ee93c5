import { describe } from 'node:test';
import { askedWhy } from './browser/asked.ts';
import { brokenByButton } from './browser/broken.ts';
import { doneByButton } from './browser/done.ts';
import { elsewhere } from './browser/elsewhere.ts';
import { opened } from './browser/opened.ts';
import { makeBrowserStage } from './browser/stage.ts';

const options = { skip: process.getuid?.() === 0 ? false : 'machines of namespaces need root' };

/** In a real browser, on a real lab; one after the other, each begins and ends green. The last looks at all that went wrong. */
describe('the live page', options, () => {
  const stage = makeBrowserStage();
  for (const subject of [opened, brokenByButton, askedWhy, doneByButton, elsewhere]) subject(stage);
});
