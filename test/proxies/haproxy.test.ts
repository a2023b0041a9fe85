import { proxied } from './proxied.js';

proxied('haproxy');
