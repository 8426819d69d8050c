// The pages of the application, in the order of the navigation. A page is
// loaded when it is first opened.
import type { Component } from 'svelte';
import type { Dictionary } from './i18n';

export interface Page {
  /** As in the address: #/name */
  name: keyof Dictionary['pages'];
  load: () => Promise<{ default: Component }>;
}

export const pages: [Page, ...Page[]] = [
  { name: 'chat', load: () => import('./chat/Chat.svelte') },
  { name: 'runs', load: () => import('./runs/Runs.svelte') },
  { name: 'robot', load: () => import('./robot/Robot.svelte') },
];
