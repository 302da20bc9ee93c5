// npm run proofs: writes docs/lessons.md and docs/acceptance.md anew, from the marks in the names of tests.
import { writeFileSync } from 'node:fs';
import { readMarks } from './marks.ts';
import { tables, tableText } from './table.ts';

for (const table of tables) writeFileSync(table.path, tableText(table, readMarks(table.mark)));
