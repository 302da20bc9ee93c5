import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { bundle } from './bundle.ts';

/** bin/simWorker.ts as one file of its own. */
export const bundleSimWorker = async (plugins: readonly Plugin[] = []): Promise<URL> =>
  pathToFileURL(await bundle('bin/simWorker.ts', plugins));
