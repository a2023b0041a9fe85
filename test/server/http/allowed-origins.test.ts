import { describe, expect, it } from 'vitest';
import { AllowedOrigins, problemOfOrigin } from '../../../src/server/http/allowed-origins.js';

describe('an entry of ALLOWED_ORIGINS', () => {
  it.each([
    'https://chat.example',
    'http://localhost:3000',
    'http://127.0.0.1:8080',
    'http://[::1]:5173',
    'https://xn--bcher-kva.example',
    'https://my_app.chat.example',
    'https://chat.example.',
    'http://tauri.localhost',
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://.',
    'app://obsidian.md',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    'moz-extension://3f8a1c52-5a5e-4d8e-9a53-2a1f0f6f9f11',
    'safari-web-extension://E4B1D7F2-5C7B-4C1E-8F3A-1D2E3F4A5B6C',
    'vscode-webview://1a2b3c4d5e',
    'com.example.app+v2://localhost:8443',
    'https://*.chat.example',
    'https://*.chat.example:8443',
    'https://*.a.b.example',
    'http://*.localhost:3000',
  ])('may be %s', (entry) => {
    expect(problemOfOrigin(entry)).toBeUndefined();
  });

  it.each([
    ['https://chat.example/', 'https://chat.example'],
    ['https://chat.example/path?a=b#c', 'https://chat.example'],
    ['https://chat.example:443', 'https://chat.example'],
    ['http://localhost:80', 'http://localhost'],
    ['https://Chat.example', 'https://chat.example'],
    ['HTTPS://chat.example', 'https://chat.example'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['http://[0:0::1]:3000', 'http://[::1]:3000'],
    ['wss://chat.example', 'https://chat.example'],
    ['ws://localhost:3000/api/v1/main', 'http://localhost:3000'],
    ['capacitor://localhost/', 'capacitor://localhost'],
    ['Ionic://localhost', 'ionic://localhost'],
    ['https:chat.example', 'https://chat.example'],
  ])('that is %s is refused, with what browsers send instead: %s', (entry, sent) => {
    expect(problemOfOrigin(entry)).toBe(`has ${JSON.stringify(entry)}: browsers send this as ${sent}`);
  });

  it.each<[string, RegExp]>([
    ['', /is empty$/],
    ['*', /leave the setting out/],
    ['null', /cannot be allowed/],
    ['file://', /cannot be allowed/],
    ['file:///index.html', /cannot be allowed/],
    ...[
      'chat.example',
      'chat.example:8443',
      'localhost',
      '//chat.example',
      'https://',
      'https://chat.example https://other.example',
      'https://chat example',
      'https://user@chat.example',
      'https://user:password@chat.example',
      'https://chat.example:65536',
      'ftp://chat.example',
      'app://',
      'data:text/html,x',
      'about:blank',
      'chrome-extension://',
      '://localhost',
      '1app://localhost',
    ].map((entry): [string, RegExp] => [entry, /, which is no origin such as/]),
    ...[
      '*.chat.example',
      'https://*',
      'https://*.example',
      'https://*.com.',
      'https://*.localhosts',
      'https://**.chat.example',
      'https://*.*.chat.example',
      'https://a.*.example.com',
      'https://a*.chat.example',
      'https://*a.chat.example',
      'https://chat.*',
      'https://*.chat.example/',
      'https://*.Chat.example',
      'https://*.chat.example:443',
      'https://*.chat.example:*',
      'http://localhost:*',
      'https://*.0.0.1',
      'https://*.[::1]',
      'https://user@*.chat.example',
      'https://*.user@chat.example',
      '*://a.chat.example',
      'chrome-extension://*',
      'capacitor://*.chat.example',
    ].map((entry): [string, RegExp] => [entry, /a \* may stand for the first label/]),
  ])('is not %j', (entry, problem) => {
    expect(problemOfOrigin(entry)).toMatch(problem);
  });
});

describe('the origins that are allowed', () => {
  const entries = [
    'https://chat.example',
    'capacitor://localhost',
    'https://*.team.example',
    'https://*.team.example:8443',
    'http://*.localhost:3000',
  ];
  const allowed = new AllowedOrigins(entries);

  it.each([
    'https://chat.example',
    'capacitor://localhost',
    'https://a.team.example',
    'https://a-b_1.team.example',
    'https://xn--bcher-kva.team.example',
    'https://9.team.example',
    `https://${'a'.repeat(63)}.team.example`,
    'https://a.team.example:8443',
    'http://me.localhost:3000',
  ])('have %s', (origin) => {
    expect(allowed.has(origin)).toBe(true);
  });

  it.each([
    '',
    'null',
    '*',
    ...entries.filter((entry) => entry.includes('*')),
    // No label, and two.
    'https://team.example',
    'https://.team.example',
    'https://a.b.team.example',
    'https://..team.example',
    // What only looks like a label before it.
    'https://evilteam.example',
    'https://-.team.example',
    'https://a-.team.example',
    `https://${'a'.repeat(64)}.team.example`,
    'https://evil.example/.team.example',
    'https://evil.example?.team.example',
    'https://evil.example#.team.example',
    'https://evil.example\\.team.example',
    'https://evil.example:80.team.example',
    'https://evil.example@a.team.example',
    'https://user@.team.example',
    'https://%61.team.example',
    'https://bücher.team.example',
    'https://A.team.example',
    'https://evil.example a.team.example',
    'https://evil.example,https://a.team.example',
    'https://a.team.example, https://evil.example',
    // What stands behind it.
    'https://a.team.example.evil.example',
    'https://a.team.example.',
    'https://a.team.example/',
    'https://a.team.example\n',
    ' https://a.team.example',
    'https://a.team.example ',
    'https://a\n.team.example',
    'https://a.team.exampl',
    'https://a.teamXexample',
    // Another scheme, or another port.
    'http://a.team.example',
    'HTTPS://a.team.example',
    'wss://a.team.example',
    'chttps://a.team.example',
    'a.team.example',
    'https:/a.team.example',
    'https://a.team.example:443',
    'https://a.team.example:84433',
    'http://me.localhost',
    'https://me.localhost:3000',
    'http://localhost:3000',
    'capacitor://localhost:80',
    'Capacitor://localhost',
    'https://chat.example:8443',
    'https://www.chat.example',
  ])('have not %j', (origin) => {
    expect(allowed.has(origin)).toBe(false);
  });
});
