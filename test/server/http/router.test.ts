import type { TemplatedApp } from 'uWebSockets.js';
import { describe, expect, it } from 'vitest';
import { METHODS, type Method, methodsOf, type Operation } from '../../../src/api/operation.js';
import { channels, routes } from '../../../src/api/routes.js';
import {
  allowedMethods,
  patternOf,
  type RouterOptions,
  registerRoutes,
} from '../../../src/server/http/router.js';

/** What is registered at the engine, in its order: `GET /api/v1/user`. */
function registered(): string[] {
  const seen: string[] = [];
  const note = (method: string) => (pattern: string) => {
    seen.push(`${method} ${pattern}`);
    return app;
  };
  const app = {
    get: note('GET'),
    head: note('HEAD'),
    post: note('POST'),
    put: note('PUT'),
    patch: note('PATCH'),
    del: note('DELETE'),
    any: note('ANY'),
  } as unknown as TemplatedApp;
  const services = { hub: { follower: {} } };
  registerRoutes(app, { services } as unknown as RouterOptions);
  return seen;
}

const all = Object.values<Operation>(routes);

describe('the router', () => {
  it('registers every operation by its method, and HEAD beside GET', () => {
    const expected = all.flatMap(({ method, path }) =>
      methodsOf(method).map((one) => `${one} ${patternOf(path)}`),
    );
    expect(registered()).toEqual(expect.arrayContaining(expected));
    expect(new Set(registered()).size).toBe(registered().length);
  });

  it('registers a plain GET for every channel', () => {
    expect(registered()).toEqual(
      expect.arrayContaining(channels.map(({ path }) => `GET ${patternOf(path)}`)),
    );
  });

  it('ends every path with what answers all other methods, and everything with what answers all other paths', () => {
    const seen = registered();
    for (const { path } of [...all, ...channels]) {
      const pattern = patternOf(path);
      const own = seen.filter((entry) => entry.endsWith(` ${pattern}`));
      expect(own.at(-1)).toBe(`ANY ${pattern}`);
      expect(own.filter((entry) => entry.startsWith('ANY'))).toHaveLength(1);
    }
    expect(seen.slice(-3)).toEqual(['ANY /healthz', 'ANY /readyz', 'ANY /*']);
  });

  it('writes an id as the engine does', () => {
    expect(patternOf('/api/v1/group/{id}/users')).toBe('/api/v1/group/:id/users');
    expect(patternOf('/api/v1/main')).toBe('/api/v1/main');
    expect(patternOf('/message/{id}/reaction/{emoji}')).toBe('/message/:id/reaction/:emoji');
  });
});

describe('the methods of a path', () => {
  const on = (path: string, ...methods: readonly Method[]) => methods.map((method) => ({ method, path }));

  it('are those of its operations, HEAD where there is GET, and GET where there is a channel', () => {
    const operations = [...on('/a', ...METHODS), ...on('/b', 'PATCH'), ...on('/c', 'POST', 'DELETE')];
    expect(Object.fromEntries(allowedMethods(operations, [{ path: '/c' }, { path: '/d' }]))).toEqual({
      '/a': ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      '/b': ['PATCH'],
      '/c': ['POST', 'DELETE', 'GET'],
      '/d': ['GET'],
    });
  });

  it('are listed once', () => {
    expect(allowedMethods(on('/a', 'GET', 'GET'), [{ path: '/a' }]).get('/a')).toEqual(['GET', 'HEAD']);
  });
});
