// Finds and starts the system's Chromium.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const FLAGS = [
  '--headless=new',
  '--no-sandbox', // root in a container has no user namespace for it; only our own pages are opened
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// The path of a browser: $CHROMIUM, or the first known name on the PATH.
export function findBrowser() {
  const names = process.env.CHROMIUM ? [process.env.CHROMIUM] : NAMES;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = names.flatMap((name) => (name.includes('/') ? [name] : folders.map((dir) => join(dir, name))));
  const found = candidates.find(executable);
  if (!found) throw new Error(`no browser found (${names.join(', ')}): apt-get install chromium, or set CHROMIUM`);
  return found;
}

// Playwright creates a user-data folder for every launch and removes it.
export function launchBrowser() {
  return chromium.launch({ executablePath: findBrowser(), args: FLAGS, ignoreDefaultArgs: ['--headless'] });
}
