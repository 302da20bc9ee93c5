import { mkdtempSync, rmSync } from 'node:fs';

const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder whose path begins like that; it is gone when this process exits. */
export function folderUntilExit(prefix: string): string {
  const folder = mkdtempSync(prefix);
  folders.push(folder);
  return folder;
}
