import { afterAll, expect } from 'vitest';
import { takeLeaks } from '../support/leaks.js';
import { TestServer } from '../support/server.js';

TestServer.forgetUsers();

// Registered before the hooks of any test file, so it comes after them: the servers have ended.
afterAll(() => expect(takeLeaks(), 'what must not stand in a log').toEqual([]));
