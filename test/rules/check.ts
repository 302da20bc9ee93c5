import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rules } from '../../src/decide/rules.ts';

/** Every rule decides in some kept scenario: what never fires there is not known to do what it should. Ends with 1 else. */
const folder = process.env.RULES_FOLDER ?? '';
const decided = new Set(readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n')));
const never = rules.map(({ name }) => name).filter((name) => !decided.has(name));
console.log(`${rules.length - never.length} of ${rules.length} rules decide in some kept scenario`);
for (const name of never)
  console.error(`  never: ${name}. It needs a scenario in test/sim or test/scenarios in which it decides`);
process.exit(never.length === 0 ? 0 : 1);
