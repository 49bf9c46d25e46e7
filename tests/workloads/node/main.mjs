// What Node programs do: each part prints one line, the answer.
import { execFileSync, fork, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import dns from 'node:dns/promises';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import zlib from 'node:zlib';

async function workers() {
  const shared = new SharedArrayBuffer(8);
  const started = Array.from({ length: 4 }, () => new Worker(new URL(import.meta.url), { workerData: shared }));
  const answers = await Promise.all(started.map(async worker => (await once(worker, 'message'))[0]));
  await Promise.all(started.map(worker => worker.terminate()));
  console.log('workers:', answers.reduce((a, b) => a + b), Atomics.load(new BigInt64Array(shared), 0));
}

function work() {
  for (let i = 0; i < 1000; ++i) Atomics.add(new BigInt64Array(workerData), 0, 1n);
  parentPort.postMessage([...Array(1000).keys()].reduce((a, b) => a + b));
}

async function secrets() {
  const scrypt = await promisify(crypto.scrypt)('secret', 'salt', 16);
  const { publicKey, privateKey } = await promisify(crypto.generateKeyPair)('ec', { namedCurve: 'P-256' });
  const verified = crypto.verify('sha256', Buffer.from('x'), publicKey, crypto.sign('sha256', Buffer.from('x'), privateKey));
  const inSecureHeap = execFileSync(process.execPath, ['--secure-heap=32768', '-p', 'crypto.secureHeapUsed().total']);
  console.log('crypto:', scrypt.toString('hex').slice(0, 8), verified, crypto.randomUUID().length, +inSecureHeap);
}

async function files() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'work-'));
  const at = name => path.join(folder, name);
  fs.writeFileSync(at('a'), 'line\n'.repeat(10000));
  await pipeline(fs.createReadStream(at('a')), zlib.createGzip(), fs.createWriteStream(at('a.gz')));
  await fs.promises.copyFile(at('a'), at('b'));
  await fs.promises.rename(at('b'), at('c'));
  fs.symlinkSync('a', at('link'));
  fs.lchownSync(at('link'), process.getuid(), process.getgid());
  fs.linkSync(at('a'), at('second'));
  fs.utimesSync(at('c'), 1e9, 1e9);
  fs.chmodSync(at('c'), 0o640);
  fs.truncateSync(at('c'), 100);
  const open = fs.openSync(at('c'), 'r+');
  fs.writevSync(open, [Buffer.from('ab'), Buffer.from('cd')], 0);
  fs.fsyncSync(open);
  fs.fdatasyncSync(open);
  fs.futimesSync(open, 1e9, 1e9);
  fs.closeSync(open);
  const watcher = fs.watch(folder);
  const change = once(watcher, 'change');
  fs.mkdirSync(at('new/below'), { recursive: true });
  const [, seen] = await change;
  watcher.close();
  fs.cpSync(at('new'), at('other'), { recursive: true });
  const back = zlib.gunzipSync(fs.readFileSync(at('a.gz'))).length;
  const names = (await fs.promises.readdir(folder)).length;
  console.log('files:', back, fs.statSync(at('c')).mtimeMs, fs.readlinkSync(at('link')), seen, names,
    fs.statfsSync(folder).blocks > 0, fs.realpathSync(at('link')) === at('a'));
  fs.accessSync(folder, fs.constants.W_OK);
  fs.rmSync(folder, { recursive: true });
}

async function processes() {
  const product = execFileSync('/usr/bin/expr', ['6', '*', '7']).toString().trim();
  const child = fork(new URL(import.meta.url).pathname, ['child']);
  child.send({ a: 40, b: 2 });
  const [sum] = await once(child, 'message');
  child.disconnect();
  const sleeper = spawn('/usr/bin/sleep', ['60'], { detached: true });
  sleeper.kill('SIGKILL');
  const [, signal] = await once(sleeper, 'exit');
  console.log('processes:', product, sum, signal);
}

async function web() {
  const server = http.createServer((request, response) => {
    request.pipe(zlib.createBrotliCompress()).pipe(response);
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const url = `http://localhost:${server.address().port}/`;
  const answers = await Promise.all([...Array(20).keys()].map(async i =>
    zlib.brotliDecompressSync(Buffer.from(await (await fetch(url, { method: 'POST', body: `hello ${i}` })).arrayBuffer()))));
  server.close();
  server.closeAllConnections();
  const local = net.createServer(socket => socket.end('over a path')).listen('/tmp/s');
  await once(local, 'listening');
  const [data] = await once(net.connect('/tmp/s'), 'data');
  local.close();
  console.log('web:', answers[19].toString(), (await dns.lookup('localhost')).address, data.toString());
}

async function engine() {
  const module = new WebAssembly.Module(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127,
    3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]));
  const { add } = new WebAssembly.Instance(module).exports;
  let hot = 0;
  for (let i = 0; i < 1e6; ++i) hot = add(hot, i) | 0;  // compiled and compiled again
  const kept = [];
  for (let i = 0; i < 2e5; ++i) kept[i % 1000] = { i, text: `text ${i}` };
  const signalled = once(process, 'SIGUSR2');
  const awake = setInterval(() => {}, 1000);  // waiting for a signal alone does not keep Node alive
  process.kill(process.pid, 'SIGUSR2');
  await signalled;
  clearInterval(awake);
  os.setPriority(os.getPriority());
  console.log('engine:', hot, kept[999].text, process.title.length > 0, os.userInfo().username, os.totalmem() > 0);
}

if (!isMainThread) {
  work();
} else if (process.argv[2] === 'child') {
  process.on('message', ({ a, b }) => process.send(a + b));
} else {
  for (const part of [workers, secrets, files, processes, web, engine]) await part();
  console.log('time:', new Date(1e12).toLocaleString('de-DE', { timeZone: 'Europe/Berlin' }));
}
