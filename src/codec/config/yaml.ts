import { stringify } from 'yaml';

/** YAML for people: sorted keys, long lines left whole. */
export const writeYaml = (document: unknown): string => stringify(document, { sortMapEntries: true, lineWidth: 200 });
