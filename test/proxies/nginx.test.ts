import { describe } from 'vitest';
import { proxied } from './proxied.js';
import { uploads } from './uploads.js';

proxied('nginx');
describe('bodies', uploads);
