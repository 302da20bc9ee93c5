import type { HalfDone } from '../../model/postgres.ts';
import { must } from './configure.ts';
import type { PostgresParts } from './parts.ts';

/** A note beside the data directory while it is half of something; whoever finds it later knows what died here. */
export const mark = (parts: PostgresParts, left: HalfDone): Promise<void> =>
  must(parts.world.files.write(parts.places().marker, `${JSON.stringify({ left })}\n`, 0o600));

export const unmark = (parts: PostgresParts): Promise<void> => must(parts.world.files.remove(parts.places().marker));
