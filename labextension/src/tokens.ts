/** What the plugins give each other, and others may ask for. */
import { Token } from '@lumino/coreutils';
import type { AgorApp } from './model/app';

export type IAgorApp = AgorApp;

export const IAgorApp = new Token<IAgorApp>(
  'agor-jupyter:IAgorApp',
  'The door to the Agor server and the lists that every view shares.'
);
