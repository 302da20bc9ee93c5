/** How a lab replicates, and what its /config says of it. */
export const synchronousModes = ['on', 'strict', 'quorum'] as const;
export type SynchronousMode = (typeof synchronousModes)[number];

export const synchronousSettings: Readonly<Record<SynchronousMode, Readonly<Record<string, unknown>>>> = {
  on: { synchronous_mode: true },
  strict: { synchronous_mode: true, synchronous_mode_strict: true },
  quorum: { synchronous_mode: 'quorum' },
};
