// Spawns host commands for a larger process: the cost of fork grows with the memory of the parent,
// so this process loads nothing else. It speaks over the IPC channel of child_process.fork and exits
// with its parent. Requests: {id, kind: 'run' | 'open' | 'signal', ...}; see src/host/launcher.ts.
import { spawn } from 'node:child_process';
import net from 'node:net';

const running = new Map();

function reply(message) {
  if (process.connected) process.send(message, () => {});
}

function collect(stream, limit) {
  const chunks = [];
  let size = 0;
  stream.on('data', (chunk) => {
    if (size < limit) chunks.push(size + chunk.length > limit ? chunk.subarray(0, limit - size) : chunk);
    size += chunk.length;
  });
  stream.on('error', () => {});
  return () => Buffer.concat(chunks);
}

/** Runs a command to its end, or, with `sync`, until it has written a line to file descriptor 3. */
function run(request) {
  const { id, command, args, cwd, env, stdin, timeoutMs, maxOutputBytes, sync } = request;
  const stdio = [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'];
  if (sync) stdio.push('pipe');
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio });
  running.set(id, child);
  const stdout = collect(child.stdout, maxOutputBytes);
  const stderr = collect(child.stderr, maxOutputBytes);
  let timedOut = false;
  let answered = false;
  const timer = timeoutMs > 0 ? setTimeout(() => ((timedOut = true), child.kill('SIGKILL')), timeoutMs) : undefined;
  const answer = (rest) => {
    if (answered) return;
    answered = true;
    clearTimeout(timer);
    running.delete(id);
    reply({ id, timedOut, stdout: stdout(), stderr: stderr(), ...rest });
  };
  child.on('error', (error) => answer({ error: error.message, errno: error.code }));
  if (sync) {
    const synced = collect(child.stdio[3], 65536);
    let exit;
    const finish = () => answer({ code: exit?.code ?? 0, signal: exit?.signal ?? null, sync: synced().toString() });
    child.stdio[3].on('data', () => synced().includes(10) && finish());
    child.stdio[3].on('close', finish);
    child.on('exit', (code, signal) => {
      exit = { code, signal };
      if (code !== 0) finish();
    });
  } else {
    child.on('close', (code, signal) => answer({ code, signal }));
    // A grandchild that keeps the pipes open must not hold up the answer.
    child.on('exit', (code, signal) => setTimeout(() => answer({ code, signal }), request.lingerMs ?? 1000).unref());
  }
  if (stdin !== undefined) {
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
  }
}

/** Connects a paused socket and names the stream it stands for; the bytes then never pass through here. */
function connectStream(path, index) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ path, allowHalfOpen: true });
    socket.pause();
    socket.once('error', reject);
    socket.once('connect', () => socket.write(String(index), (error) => (error ? reject(error) : resolve(socket))));
  });
}

/** Starts a command whose standard streams are sockets of the parent; answers when it has ended. */
async function open(request) {
  const { id, command, args, cwd, env, socketPath, streams } = request;
  let sockets = [];
  try {
    sockets = await Promise.all([0, 1, 2].map((index) => (streams.includes(index) ? connectStream(socketPath, index) : 'ignore')));
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: sockets });
    running.set(id, child);
    child.on('error', (error) => (running.delete(id), reply({ id, error: error.message, errno: error.code })));
    child.on('exit', (code, signal) => (running.delete(id), reply({ id, code, signal })));
  } catch (error) {
    reply({ id, error: error.message, errno: error.code });
  } finally {
    for (const socket of sockets) if (socket !== 'ignore') socket.destroy();
  }
}

process.on('message', (request) => {
  try {
    if (request.kind === 'run') run(request);
    else if (request.kind === 'open') open(request);
    else if (request.kind === 'signal') running.get(request.id)?.kill(request.signal);
  } catch (error) {
    reply({ id: request.id, error: error.message, errno: error.code });
  }
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C in a terminal reaches the whole group; the parent decides when to stop.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
