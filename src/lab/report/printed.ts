import type { Campaign } from './campaign.ts';
import { compare, comparisonOf } from './compare.ts';
import { junitOf } from './junit.ts';
import { tableOf } from './table.ts';

export const printedFormats = ['table', 'json', 'junit'] as const;
export type PrintedFormat = (typeof printedFormats)[number];

/** What `lab run` prints in the end, beside another campaign or null: stdout is read by programs, and is one whole document of its format. */
export function printed(
  campaign: Campaign,
  other: Campaign | null,
  format: PrintedFormat,
): { readonly stdout: string; readonly stderr: string } {
  switch (format) {
    case 'json': {
      const comparison = other === null ? {} : { comparison: comparisonOf(campaign, other) };
      return { stdout: `${JSON.stringify({ ...campaign, ...comparison }, null, 2)}\n`, stderr: '' };
    }
    case 'junit':
      // JUnit has no place for a comparison.
      return { stdout: junitOf(campaign), stderr: other === null ? '' : compare(campaign, other) };
    case 'table': {
      if (campaign.verdicts.length === 0) return { stdout: '', stderr: '' };
      const beside = other === null ? '' : `\n${compare(campaign, other)}`;
      return { stdout: `${tableOf(campaign)}${beside}`, stderr: '' };
    }
    default:
      return format satisfies never;
  }
}
