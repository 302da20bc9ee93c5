// npm run lessons: writes docs/lessons.md anew, from the marks in the names of tests.
import { writeFileSync } from 'node:fs';
import { readMarks, tablePath, tableText } from './table.ts';

writeFileSync(tablePath, tableText(readMarks()));
