// Starts the binary, waits until it prints its listen address, and always stops it by its pid.
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const STARTED = /^listening (http:\/\/127\.0\.0\.1:\d+)\/?\s*$/m;

// Resolves to { base, stop, log, said } once the server answers; rejects with its output if it ends or stays silent.
// Without a data folder, it gets a temporary one that is removed with it.
export async function startServer(binary, { verb = 'demo', data = null, startSeconds = 600, stopSeconds = 20, extra = [] } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'hitrate-browser-'));
  const logFile = join(dir, 'stderr.log');
  const args = [verb, '--listen', '127.0.0.1:0', '--data-dir', data ?? join(dir, 'data'), ...extra];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', openSync(logFile, 'w')] });
  const log = () => readFileSync(logFile, 'utf8').split('\n').slice(-40).join('\n');
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`));
  });
  const killNow = () => child.exitCode === null && child.pid && child.kill('SIGKILL');
  process.once('exit', killNow);

  // Requests the server to stop; resolves to how it ended.
  async function stop() {
    child.kill('SIGTERM');
    const late = new Promise((resolve) => setTimeout(resolve, stopSeconds * 1000, null).unref());
    const how = (await Promise.race([ended, late])) ?? `did not stop within ${stopSeconds} s of SIGTERM`;
    killNow();
    await ended;
    process.removeListener('exit', killNow);
    rmSync(dir, { recursive: true, force: true });
    return how;
  }

  let said = '';
  const base = new Promise((resolve) => {
    child.stdout.setEncoding('utf8');
    // Keeps reading after the match, so the pipe never fills up.
    child.stdout.on('data', (text) => {
      if (said.length < 100_000) said += text;
      const found = STARTED.exec(said);
      if (found) resolve({ base: found[1] });
    });
  });
  const silent = new Promise((resolve) =>
    setTimeout(resolve, startSeconds * 1000, { why: `did not print 'listening http://…' within ${startSeconds} s` }).unref(),
  );
  const first = await Promise.race([base, ended.then((why) => ({ why })), silent]);
  if (first.base) return { base: first.base, stop, log, said: () => said };
  const tail = log();
  await stop();
  throw new Error(`${binary} ${args.join(' ')} ${first.why}\nstandard output: ${said.slice(-2000)}\nlog:\n${tail}`);
}
