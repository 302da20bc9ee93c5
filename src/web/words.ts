/** Numbers as people read them. */

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 100_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(seconds / 3_600)} h ${String(Math.floor((seconds % 3_600) / 60)).padStart(2, '0')} min`;
}

/** How long something is there: seconds will do. */
export const age = (ms: number): string => duration(Math.max(1, Math.round(ms / 1_000)) * 1_000).replace('.0 s', ' s');

export function bytes(count: number): string {
  if (count < 1_024) return `${count} B`;
  if (count < 1_048_576) return `${(count / 1_024).toFixed(1)} kB`;
  if (count < 1_073_741_824) return `${(count / 1_048_576).toFixed(1)} MB`;
  return `${(count / 1_073_741_824).toFixed(1)} GB`;
}

export const clock = (wallMs: number): string => new Date(wallMs).toTimeString().slice(0, 8);
