import { type Browser, chromium } from 'playwright-core';
import { findProgram } from './needed-programs.js';

/** A browser as people have it, without a window. Needs the program `chromium` on the PATH. */
export async function startChromium(): Promise<Browser> {
  const executablePath = findProgram('chromium');
  if (executablePath === undefined) throw new Error('chromium is not on the PATH');
  // It refuses to sandbox its pages for root, as whom CI runs; it sees pages of tests alone.
  return chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
}
