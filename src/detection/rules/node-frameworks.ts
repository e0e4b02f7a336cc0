import type { Purpose } from '../candidate.js';

/** Where a project may say that its build leaves files elsewhere. */
export interface OutputSettings {
  /** Names of files that do; they are programs, or settings of one. */
  readonly files: RegExp;
  /** What stands in them where they do. */
  readonly words: readonly string[];
  /** What stands in the script `build` where that does. */
  readonly options?: RegExp;
  /** The field of package.json that does. */
  readonly field?: readonly string[];
}

/** A framework that a dependency tells. */
export interface NodeFramework {
  readonly name: string;
  readonly dependency: string;
  readonly purpose: Exclude<Purpose, 'library' | 'unknown'>;
  /** The port it listens on by itself. */
  readonly port?: number;
  /** Where its build leaves files; undefined: its own configuration decides. */
  readonly output?: string;
  /** Absent: it writes to `output` always. */
  readonly outputBy?: OutputSettings;
  /** The command that starts what was built, when no script does. */
  readonly start?: string;
}

const VITE_OUTPUT: OutputSettings = {
  files: /^vite\.config\.[cm]?[jt]s$/,
  words: ['outDir', 'root'],
  // A folder behind it is its root.
  options: /--outDir\b|--config\b|\s-c\s|\bvite\s+build\s+[^-&|;\s]/,
};
const ASTRO_OUTPUT: OutputSettings = {
  files: /^astro\.config\.[cm]?[jt]s$/,
  // With an adapter what browsers load is a folder below it.
  words: ['outDir', 'root', 'adapter'],
  options: /--outDir\b|--root\b|--config\b/,
};
const DOCUSAURUS_OUTPUT: OutputSettings = {
  files: /^docusaurus\.config\.[cm]?[jt]s$/,
  words: ['outDir'],
  options: /--out-dir\b|\bdocusaurus\s+build\s+[^-&|;\s]/,
};
const ELEVENTY_OUTPUT: OutputSettings = {
  files: /^(?:\.eleventy|eleventy\.config)\.[cm]?[jt]s$/,
  words: ['output', 'setOutputDirectory'],
  options: /--output\b|--config\b/,
};
const CRA_OUTPUT: OutputSettings = {
  files: /^\.env(?:\.production)?(?:\.local)?$/,
  words: ['BUILD_PATH'],
  options: /\bBUILD_PATH\b/,
};
const VUE_CLI_OUTPUT: OutputSettings = {
  files: /^vue\.config\.[cm]?[jt]s$/,
  words: ['outputDir'],
  options: /--dest\b/,
  field: ['vue', 'outputDir'],
};

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
  { name: 'astro', dependency: 'astro', purpose: 'site', output: 'dist', outputBy: ASTRO_OUTPUT },
  { name: 'gatsby', dependency: 'gatsby', purpose: 'site', output: 'public' },
  {
    name: 'docusaurus',
    dependency: '@docusaurus/core',
    purpose: 'site',
    output: 'build',
    outputBy: DOCUSAURUS_OUTPUT,
  },
  {
    name: 'eleventy',
    dependency: '@11ty/eleventy',
    purpose: 'site',
    output: '_site',
    outputBy: ELEVENTY_OUTPUT,
  },
  { name: 'vitepress', dependency: 'vitepress', purpose: 'site' },
  { name: 'angular', dependency: '@angular/core', purpose: 'site' },
  {
    name: 'create-react-app',
    dependency: 'react-scripts',
    purpose: 'site',
    output: 'build',
    outputBy: CRA_OUTPUT,
  },
  {
    name: 'vue-cli',
    dependency: '@vue/cli-service',
    purpose: 'site',
    output: 'dist',
    outputBy: VUE_CLI_OUTPUT,
  },
  { name: 'nest', dependency: '@nestjs/core', purpose: 'service', port: 3000 },
  { name: 'adonis', dependency: '@adonisjs/core', purpose: 'service', port: 3333 },
  { name: 'fastify', dependency: 'fastify', purpose: 'service' },
  { name: 'hapi', dependency: '@hapi/hapi', purpose: 'service' },
  { name: 'koa', dependency: 'koa', purpose: 'service' },
  { name: 'hono', dependency: '@hono/node-server', purpose: 'service', port: 3000 },
  { name: 'express', dependency: 'express', purpose: 'service' },
  // Last: servers have it for their front, too.
  { name: 'vite', dependency: 'vite', purpose: 'site', output: 'dist', outputBy: VITE_OUTPUT },
];
