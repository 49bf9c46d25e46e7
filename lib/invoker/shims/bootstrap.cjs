'use strict';
// A small Lambda runtime: fetches invocations from the Runtime API and calls the function's handler.
// Start-up time is the point: CommonJS, a reader of our own instead of `http`, and where we know them the handles
// below `net`, which with the streams it loads is a seventh of a cold start.

const fs = require('fs');
const path = require('path');
const { format } = require('util');

const env = process.env;
const api = env.AWS_LAMBDA_RUNTIME_API;
const kStreaming = Symbol.for('aws.lambda.runtime.handler.streaming');
const kHttpType = 'application/vnd.awslambda.http-integration-response';

// Calls at once. Where there are several, their handlers share this one event loop: they run in turn, from await
// to await.
const capacity = Number(env.AWS_LAMBDA_MAX_CONCURRENCY || 1);
const several = capacity > 1 ? new (require('async_hooks').AsyncLocalStorage)() : null;

let whenIdle = null; // called once the event loop has nothing left to do; only of one call at a time
const workers = [];

// Whose code is running, for the log.
const currentId = () => (several ? several.getStore() : workers[0])?.requestId;

// The wire: one keep-alive connection a worker, one request at a time.

const colon = api.lastIndexOf(':');
const host = api.slice(0, colon);
const port = Number(api.slice(colon + 1));

// What `net` stands on, in the release lines that change no more; undefined elsewhere, and where the function
// wants to hear of its use or forbids it.
function findHandles() {
  if (!['18', '20', '22', '24'].includes(process.versions.node.split('.')[0])) return undefined;
  const flags = [...process.execArgv, env.NODE_OPTIONS].join(' ');
  if (flags.includes('deprecation') || env.NODE_PENDING_DEPRECATION) return undefined;
  const needed = ['TCP', 'TCPConnectWrap', 'WriteWrap', 'streamBaseState', 'kReadBytesOrError', 'kArrayBufferOffset',
    'kLastWriteWasAsync'];
  try {
    const all = { ...process.binding('tcp_wrap'), ...process.binding('stream_wrap') };
    return needed.every((name) => all[name] !== undefined) ? all : undefined;
  } catch {
    return undefined;
  }
}

// Both ways to a connection: {ref(), unref(), write(string or Buffer, written?)}; `onData(Buffer)`, and `onEnd()`
// once it is of no more use.

function connectByNet(onData, onEnd) {
  const socket = require('net').connect(port, host);
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('close', onEnd);
  socket.on('data', onData);
  return socket;
}

function connectByHandle(onData, onEnd, handles) {
  const { TCP, TCPConnectWrap, WriteWrap, streamBaseState: state } = handles;
  const handle = new TCP(0); // a socket, not a server: it names the handle for async_hooks
  handle.onread = (bytes) => {
    const size = state[handles.kReadBytesOrError];
    if (size > 0) onData(Buffer.from(bytes, state[handles.kArrayBufferOffset], size));
    else if (size < 0) onEnd();
  };
  const connecting = new TCPConnectWrap();
  connecting.oncomplete = (status) => (status < 0 ? onEnd() : handle.readStart());
  if (handle.connect(connecting, host, port) !== 0) process.nextTick(onEnd);
  handle.setNoDelay(true);
  return {
    ref: () => handle.ref(),
    unref: () => handle.unref(),
    write(data, written) {
      const request = new WriteWrap();
      request.data = data; // not to be collected while it is written
      request.oncomplete = (status) => (status < 0 ? onEnd() : written?.());
      const how = typeof data === 'string' ? 'writeUtf8String' : 'writeBuffer';
      if (handle[how](request, data) !== 0) process.nextTick(onEnd);
      else if (written && !state[handles.kLastWriteWasAsync]) process.nextTick(written);
    },
  };
}

const handles = findHandles();
const connect = handles ? connectByHandle : connectByNet;

class Worker {
  requestId = undefined; // of its invocation
  running = null;        // {fail(error): Promise}: where an error that nobody caught is reported
  input = [];
  inputSize = 0;
  head = null;    // of the answer being read
  waiting = null; // resolve of the answer waited for

  constructor() {
    this.socket = connect((data) => this.take(data), () => process.exit(this.waiting ? 1 : 0), handles);
    workers.push(this);
  }

  take(data) {
    this.input.push(data);
    this.inputSize += data.length;
    this.deliver();
  }

  readHead() {
    const bytes = Buffer.concat(this.input);
    this.input = [bytes];
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return;
    const lines = bytes.toString('utf8', 0, end).split('\r\n');
    const headers = {};
    for (const line of lines.slice(1)) {
      const at = line.indexOf(':');
      headers[line.slice(0, at).toLowerCase()] = line.slice(at + 1).trim();
    }
    const start = end + 4;
    this.head = { status: Number(lines[0].split(' ')[1]), headers, start, end: start + Number(headers['content-length'] || 0) };
  }

  deliver() {
    if (!this.waiting) return;
    if (!this.head) this.readHead();
    if (!this.head || this.inputSize < this.head.end) return;
    const { status, headers, start, end } = this.head;
    const bytes = Buffer.concat(this.input);
    this.input = [bytes.subarray(end)];
    this.inputSize = this.input[0].length;
    const resolve = this.waiting;
    this.head = this.waiting = null;
    this.socket.unref(); // what the function left running decides whether the event loop is empty
    resolve({ status, headers, body: bytes.toString('utf8', start, end) });
  }

  answer() {
    this.socket.ref();
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.deliver();
    });
  }

  begin(method, target, headers, body = '') {
    this.socket.write(`${method} /2018-06-01/runtime/${target} HTTP/1.1\r\nHost: ${api}\r\n${headers}\r\n${body}`);
  }

  post(target, body, headers = '') {
    const fields = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}`;
    this.begin('POST', target, fields, body);
    return this.answer();
  }

  postError(target, error) {
    const failure = describe(error);
    const known = /^(Runtime|Function)\.[A-Z][a-zA-Z]+$/.test(failure.errorType);
    return this.post(target, JSON.stringify(failure), known ? `Lambda-Runtime-Function-Error-Type: ${failure.errorType}\r\n` : '');
  }

  fail(error) { return this.postError(`invocation/${this.requestId}/error`, error); }

  async next() {
    this.begin('GET', 'invocation/next', '');
    const got = await this.answer();
    if (got.status === 200) return got;
    write('ERROR', `invocation/next answered ${got.status}: ${got.body}`);
    return process.exit(1);
  }
}

// The log: one record is one line.

function write(level, text) {
  writeNow(`${new Date().toISOString()}\t${currentId()}\t${level}\t${text.replace(/\n/g, '\r')}\n`);
}

// Not by process.stdout, which keeps something of each line until the function yields: a long loop that logs
// would run out of memory. A function that uses it makes the pipe non-blocking, hence the wait.
function writeNow(text) {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(1, bytes));
    } catch (error) {
      if (error.code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function patchConsole() {
  const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', trace: 'TRACE', warn: 'WARN', error: 'ERROR' };
  for (const [name, level] of Object.entries(levels)) console[name] = (...args) => write(level, format(...args));
}

// Errors

function makeError(type, message, cause) {
  const error = new Error(message);
  error.name = type;
  const stack = String((cause && cause.stack) || error.stack);
  error.stack = `${type}: ${message}\n${stack.split('\n').filter((line) => /^\s+at /.test(line)).join('\n')}`;
  return error;
}

function describe(error) {
  if (!(error instanceof Error) && Object.prototype.toString.call(error) !== '[object Error]') {
    return { errorType: typeof error, errorMessage: format(error), trace: [] };
  }
  return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split('\n') };
}

function log(title, error) {
  const { errorType, errorMessage, trace } = describe(error);
  const more = error instanceof Error ? { ...error } : {};
  delete more.name;
  let text;
  try {
    text = JSON.stringify({ errorType, errorMessage, ...more, stack: trace });
  } catch {
    text = JSON.stringify({ errorType, errorMessage, stack: trace });
  }
  write('ERROR', `${title} \t${text}`);
}

async function die(title, error, code) {
  log(title, error);
  const reports = workers.map((worker) => {
    const report = worker.running;
    worker.running = null;
    return report?.fail(error);
  });
  await Promise.all(reports);
  process.exit(code);
}

// The handler: "dir/module.name.name"

const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile();

async function loadFile(file) {
  if (file.endsWith('.mjs')) return import(require('url').pathToFileURL(file));
  try {
    return require(file);
  } catch (error) {
    if (error.code !== 'ERR_REQUIRE_ESM' && error.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(require('url').pathToFileURL(file));
  }
}

async function loadModule(root, name) {
  const base = path.resolve(root, name);
  const file = ['', '.js', '.mjs', '.cjs'].map((extension) => base + extension).find(isFile);
  try {
    return await loadFile(file || require.resolve(name, { paths: [root, path.dirname(base)] }));
  } catch (error) {
    if (error instanceof SyntaxError) throw makeError('Runtime.UserCodeSyntaxError', String(error), error);
    if (['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(error && error.code))
      throw makeError('Runtime.ImportModuleError', String(error), error);
    throw error;
  }
}

async function loadHandler(root, text) {
  const [, name, names] = /^((?:.*\/)?[^./]+)\.(.+)$/.exec(text) || [];
  if (!name || text.includes('..')) throw makeError('Runtime.MalformedHandlerName', `Bad handler '${text}': not MODULE.FUNCTION`);
  const handler = names.split('.').reduce((object, key) => object && object[key], await loadModule(root, name));
  if (!handler) throw makeError('Runtime.HandlerNotFound', `${text} is undefined or not exported`);
  if (typeof handler !== 'function') throw makeError('Runtime.HandlerNotFound', `${text} is not a function`);
  return handler;
}

// Streaming

const kCrlf = Buffer.from('\r\n');
let ResponseStream = null; // with the streams of Node only where a function streams

function makeResponseStream() {
  const { Writable } = require('stream');
  return class ResponseStream extends Writable {
    contentType = 'application/octet-stream';
    prelude = null;
    answer = null; // of the POST, once its head is out

    constructor(worker) {
      super();
      this.worker = worker;
    }

    setContentType(type) { this.contentType = type; }

    write(chunk, ...rest) {
      const plain = typeof chunk === 'string' || chunk instanceof Uint8Array;
      return super.write(plain ? chunk : JSON.stringify(chunk), ...rest);
    }

    begin() {
      if (this.answer) return;
      const fields = 'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n' +
        'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n' +
        `Content-Type: ${this.prelude ? kHttpType : this.contentType}\r\n`;
      this.worker.begin('POST', `invocation/${this.worker.requestId}/response`, fields);
      this.answer = true;
      if (this.prelude) this.chunk(Buffer.from(JSON.stringify(this.prelude) + '\0'.repeat(8)));
    }

    chunk(data, done) {
      if (data.length === 0) return done && done();
      const size = Buffer.from(`${data.length.toString(16)}\r\n`);
      return this.worker.socket.write(Buffer.concat([size, data, kCrlf]), done);
    }

    _write(data, _encoding, done) {
      this.begin();
      this.chunk(data, done);
    }

    _final(done) {
      this.begin();
      this.finish('').then(() => done(), done);
    }

    async finish(trailers) {
      this.worker.socket.write(`0\r\n${trailers}\r\n`);
      const { status, body } = await this.worker.answer();
      if (status !== 202) write('ERROR', `the response was refused (${status}): ${body}`);
    }

    async fail(error) {
      if (!this.answer) return this.worker.fail(error);
      const failure = describe(error);
      const body = Buffer.from(JSON.stringify(failure)).toString('base64');
      const type = failure.errorType.replace(/[^\x21-\x7e]/g, '');
      return this.finish(`Lambda-Runtime-Function-Error-Type: ${type}\r\nLambda-Runtime-Function-Error-Body: ${body}\r\n`);
    }
  };
}

globalThis.awslambda = {
  streamifyResponse: (handler, options) => Object.assign(handler, { [kStreaming]: options || true }),
  HttpResponseStream: { from: (stream, prelude) => Object.assign(stream, { prelude }) },
};

// Where workers wait for further calls the event loop is never empty.
const idle = () => new Promise((resolve) => { if (!several) whenIdle = resolve; });

async function callStreaming(worker, handler, event, context) {
  ResponseStream ??= makeResponseStream();
  const stream = new ResponseStream(worker);
  const finished = new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject));
  finished.catch(() => {});
  worker.running = stream;
  try {
    await Promise.race([handler(event, stream, context), idle()]);
    if (!stream.writableFinished) await Promise.race([finished, idle()]);
    if (!stream.writableEnded) stream.end();
    await finished;
  } catch (error) {
    log('Invoke Error', error);
    await stream.fail(error);
  }
}

// Invocations

function makeContext(headers) {
  const parse = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    callbackWaitsForEmptyEventLoop: !several,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parse('lambda-runtime-client-context'),
    identity: parse('lambda-runtime-cognito-identity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
  };
}

// A promise answers at once; a callback once the event loop is empty, unless the function waived that; a
// handler that does neither has answered null when nothing is left that could. Where several share the loop a
// callback answers at once, and so does, with null, a handler that returns no promise and takes no callback.
function callHandler(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, result) => {
      if (error !== undefined && error !== null) reject(error);
      else if (context.callbackWaitsForEmptyEventLoop && !several) whenIdle = () => resolve(result);
      else resolve(result);
    };
    context.done = (error, result) => {
      context.callbackWaitsForEmptyEventLoop = false;
      callback(error, result);
    };
    context.succeed = (result) => context.done(null, result);
    context.fail = (error) => context.done(error === undefined || error === null ? 'handled' : error);
    if (!several) whenIdle = () => resolve(null);
    const returned = handler(event, context, callback);
    if (returned && typeof returned.then === 'function') returned.then(resolve, reject);
    else if (several && handler.length < 3) resolve(null);
  });
}

function serialize(result) {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? 'null';
  } catch (error) {
    throw makeError('Runtime.MarshalError', `Unable to stringify response body as json: ${error.message}`, error);
  }
}

async function callBuffered(worker, handler, event, context) {
  worker.running = worker;
  let body;
  try {
    body = serialize(await callHandler(handler, event, context));
  } catch (error) {
    log('Invoke Error', error);
    await worker.running?.fail(error);
    return;
  }
  worker.running = null;
  const { status, body: text } = await worker.post(`invocation/${worker.requestId}/response`, body);
  if (status !== 202) write('ERROR', `the response was refused (${status}): ${text}`);
}

async function serve(worker, handler) {
  const call = handler[kStreaming] ? callStreaming : callBuffered;
  for (;;) {
    const { headers, body } = await worker.next();
    worker.requestId = headers['lambda-runtime-aws-request-id'];
    if (!several) env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] || '';
    let event, context;
    try {
      event = body.trim() ? JSON.parse(body) : {};
      context = makeContext(headers);
    } catch (error) {
      await worker.fail(makeError('Runtime.UnmarshalError', `Unable to parse input: ${error.message}`, error));
      continue;
    }
    await call(worker, handler, event, context);
    worker.running = whenIdle = null;
  }
}

// In a context of its own, by which the log knows whose line it is.
function start(worker, handler) {
  return several ? several.run(worker, serve, worker, handler) : serve(worker, handler);
}

process.on('beforeExit', () => {
  const act = whenIdle;
  whenIdle = null;
  if (act) act();
});
process.on('uncaughtException', (error) => die('Uncaught Exception', error, 129));
process.on('unhandledRejection', (reason) => {
  die('Unhandled Promise Rejection', makeError('Runtime.UnhandledPromiseRejection', String(reason), reason), 128);
});

patchConsole();
const first = new Worker();
first.running = { fail: (error) => first.postError('init/error', error) };
loadHandler(env.LAMBDA_TASK_ROOT, env._HANDLER).then((handler) => {
  first.running = null;
  while (workers.length < capacity) new Worker();
  if (several) setInterval(() => {}, 1 << 30); // calls that never answer time out, each; they do not end the others
  return Promise.all(workers.map((worker) => start(worker, handler)));
}, (error) => die('Uncaught Exception', error, 129));
