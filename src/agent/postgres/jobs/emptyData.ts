import { must } from '../configure.ts';
import type { PostgresParts } from '../parts.ts';
import { isKept } from './aside.ts';
import { emptyOutside } from './outside.ts';

/** All of PostgreSQL's here and elsewhere; the control file first, since that is what makes these files data. */
export async function emptyData(parts: PostgresParts): Promise<void> {
  const { files } = parts.world;
  const { dataDir, control } = parts.places();
  await must(files.remove(control));
  await emptyOutside(parts);
  const listing = await files.list(dataDir);
  for (const name of (listing.kind === 'entries' ? listing.names : []).filter((one) => !isKept(one)))
    await must(files.remove(`${dataDir}/${name}`));
}
