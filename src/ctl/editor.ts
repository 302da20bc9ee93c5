import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CtlDoors } from './doors.ts';

/** `$EDITOR`, else editor, else vi, on a temporary file whose name ends in .yaml for the sake of highlighting. */
export async function editText(text: string, name: string, environment = process.env): ReturnType<CtlDoors['edit']> {
  const folder = await mkdtemp(join(tmpdir(), 'matriarch-'));
  const path = join(folder, `${name}${process.pid}.yaml`);
  try {
    await writeFile(path, text, { mode: 0o600 });
    for (const editor of environment.EDITOR ? [environment.EDITOR] : ['editor', 'vi']) {
      const code = await run(editor, path);
      if (code === 0) return { kind: 'edited', text: await readFile(path, 'utf8') };
      if (code !== null) return { kind: 'failed', why: `Editor exited with return code ${code}` };
    }
    return { kind: 'failed', why: 'EDITOR environment variable is not set. editor or vi are not available' };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Through the shell, as EDITOR may hold arguments. Null: there is no such program. */
const run = (editor: string, path: string): Promise<number | null> =>
  new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', `exec ${editor} "$1"`, 'sh', path], { stdio: 'inherit' });
    child.on('error', () => resolve(null));
    child.on('exit', (code) => resolve(code === 127 ? null : (code ?? 1)));
  });
