import { writeFileSync } from 'node:fs';
import { atlasFile, drawAtlas } from './atlas.ts';

writeFileSync(atlasFile, drawAtlas().text);
