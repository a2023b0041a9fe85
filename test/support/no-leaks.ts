import { afterAll, expect } from 'vitest';
import { takeLeaks } from './leaks.js';

// Registered before the hooks of any test file, so it comes after them: the servers have ended.
afterAll(() => expect(takeLeaks(), 'what must not stand in a log').toEqual([]));
