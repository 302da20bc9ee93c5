import type { ReportSettings } from '../../model/settings.ts';

const dayMs = 86_400_000;

/** `matriarch.reports`: days, megabytes, seconds. */
export const readReports = (given: {
  readonly keep_days?: number | undefined;
  readonly max_size_mb?: number | undefined;
  readonly wait_for_room?: number | undefined;
}): ReportSettings => ({
  keepMs: (given.keep_days ?? 7) * dayMs,
  walBytesMax: (given.max_size_mb ?? 2_048) * 1_048_576,
  roomPatienceMs: (given.wait_for_room ?? 3_600) * 1_000,
});
