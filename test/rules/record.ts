import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rule } from '../../src/decide/rule.ts';
import { rules } from '../../src/decide/rules.ts';

/**
 * Loaded before files of scenarios: notes which rules decided in them, a file for each process in the folder that RULES_FOLDER
 * names. Not loaded before random seeds: what they reach today they may not reach tomorrow.
 */
const folder = process.env.RULES_FOLDER;
if (folder !== undefined) {
  const decided = new Set<string>();
  for (const rule of rules as readonly { -readonly [Field in keyof Rule]: Rule[Field] }[]) {
    const { judge } = rule;
    rule.judge = (seen) => {
      const verdict = judge(seen);
      if (verdict !== undefined) decided.add(rule.name);
      return verdict;
    };
  }
  process.on('exit', () => appendFileSync(join(folder, `${process.pid}`), [...decided, ''].join('\n')));
}
