import { proxied } from './proxied.js';

proxied('nginx');
