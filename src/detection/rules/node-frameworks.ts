import type { Purpose } from '../candidate.js';

/** A framework that a dependency tells. */
export interface NodeFramework {
  readonly name: string;
  readonly dependency: string;
  readonly purpose: Exclude<Purpose, 'library' | 'unknown'>;
  /** The port it listens on by itself. */
  readonly port?: number;
  /** Where its build leaves files; undefined: its own configuration decides. */
  readonly output?: string;
  /** The command that starts what was built, when no script does. */
  readonly start?: string;
}

/**
 * In this order: what builds on another one comes before it (Nuxt uses Vite, Nest uses Express).
 * Outputs and ports are those of each framework's documentation.
 */
export const NODE_FRAMEWORKS: readonly NodeFramework[] = [
  { name: 'next', dependency: 'next', purpose: 'service', port: 3000, start: 'next start' },
  { name: 'nuxt', dependency: 'nuxt', purpose: 'service', port: 3000, output: '.output' },
  { name: 'remix', dependency: '@remix-run/serve', purpose: 'service', port: 3000 },
  { name: 'react-router', dependency: '@react-router/serve', purpose: 'service', port: 3000 },
  { name: 'sveltekit', dependency: '@sveltejs/kit', purpose: 'service' },
  { name: 'astro', dependency: 'astro', purpose: 'site', output: 'dist' },
  { name: 'gatsby', dependency: 'gatsby', purpose: 'site', output: 'public' },
  { name: 'docusaurus', dependency: '@docusaurus/core', purpose: 'site', output: 'build' },
  { name: 'eleventy', dependency: '@11ty/eleventy', purpose: 'site', output: '_site' },
  { name: 'vitepress', dependency: 'vitepress', purpose: 'site' },
  { name: 'angular', dependency: '@angular/core', purpose: 'site' },
  { name: 'create-react-app', dependency: 'react-scripts', purpose: 'site', output: 'build' },
  { name: 'vue-cli', dependency: '@vue/cli-service', purpose: 'site', output: 'dist' },
  { name: 'nest', dependency: '@nestjs/core', purpose: 'service', port: 3000 },
  { name: 'adonis', dependency: '@adonisjs/core', purpose: 'service', port: 3333 },
  { name: 'fastify', dependency: 'fastify', purpose: 'service' },
  { name: 'hapi', dependency: '@hapi/hapi', purpose: 'service' },
  { name: 'koa', dependency: 'koa', purpose: 'service' },
  { name: 'hono', dependency: '@hono/node-server', purpose: 'service', port: 3000 },
  { name: 'express', dependency: 'express', purpose: 'service' },
  // Last: servers have it for their front, too.
  { name: 'vite', dependency: 'vite', purpose: 'site', output: 'dist' },
];
