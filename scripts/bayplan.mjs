// `npm run up` and `npm run down`: sets the checkout up, then hands over to the bayplan command.
import { setUp } from './set-up.mjs';

await setUp();
await import('../packages/cli/dist/main.js');
