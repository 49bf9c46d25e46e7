"""A small Lambda runtime: fetches invocations from the Runtime API and calls handler(event, context).

Start-up time is the point: nothing is imported that the function may not need. _socket and _json are the
compiled halves of socket and json; json, logging and traceback are loaded when they are first wanted.
"""

import os
import sys
import time
from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner
from _socket import AF_INET, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, socket


class RuntimeFailure(Exception):
    """An error with a type of Lambda's own and no stack trace of the function's."""

    def __init__(self, error_type, message, trace=()):
        super().__init__(message)
        self.error_type = error_type
        self.trace = list(trace)


class Api:
    """One keep-alive connection to the Runtime API."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.address = address.encode()
        self.socket = socket(AF_INET, SOCK_STREAM)
        self.socket.connect((host, int(port)))
        self.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.buffer = bytearray()

    def call(self, method, path, body=None, fields=""):
        head = "%s /2018-06-01/runtime/%s HTTP/1.1\r\nHost: %s\r\n" % (method, path, self.address.decode())
        if body is not None:
            head += "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        head = (head + fields + "\r\n").encode()
        if body is not None and len(body) > 65536:
            self.socket.sendall(head)
            self.socket.sendall(body)
        else:
            self.socket.sendall(head + (body or b""))
        return self.read()

    def read(self):
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self.receive()
        lines = self.buffer[:end].decode("utf-8", "replace").split("\r\n")
        del self.buffer[: end + 4]
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        size = int(headers.get("content-length", 0))
        while len(self.buffer) < size:
            self.receive(size - len(self.buffer))
        body = bytes(self.buffer[:size])
        del self.buffer[:size]
        return int(lines[0].split(" ", 2)[1]), headers, body

    def receive(self, wanted=0):
        data = self.socket.recv(min(max(wanted, 65536), 1 << 20))
        if not data:
            sys.exit("the Runtime API closed the connection")
        self.buffer += data

    def next(self):
        status, headers, body = self.call("GET", "invocation/next")
        if status != 200:
            sys.exit("invocation/next answered %d: %s" % (status, body.decode("utf-8", "replace")))
        return headers, body

    def respond(self, request_id, body):
        status, _, answer = self.call("POST", "invocation/%s/response" % request_id, body)
        if status != 202:
            print("[ERROR] the response was refused (%d): %s" % (status, answer.decode("utf-8", "replace")))

    def fail(self, path, failure):
        kind = failure["errorType"]
        known = kind.startswith("Runtime.") and kind.isascii()
        fields = "Lambda-Runtime-Function-Error-Type: %s\r\n" % kind if known else ""
        self.call("POST", path, dump(failure), fields)


class Decoder:
    """What the compiled JSON scanner asks of its owner: the defaults of json.loads."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__
    memo = {}


scan = make_scanner(Decoder)


def load(body):
    text = body.decode().strip(" \t\r\n")
    if not text:
        return {}
    try:
        value, end = scan(text, 0)
    except StopIteration as stop:
        raise ValueError("Expecting value at character %d" % stop.value) from None
    if end != len(text):
        raise ValueError("Extra data at character %d" % end)
    return value


def refuse_type(value):
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def dump(value):
    for quote in (encode_basestring, encode_basestring_ascii):
        encode = make_encoder({}, refuse_type, quote, None, ": ", ", ", False, False, True)
        try:
            return "".join(encode(value, 0)).encode()
        except UnicodeEncodeError:  # lone surrogates: only as \uXXXX
            continue


class Record:
    """Named values, as the mobile SDK's client context and identity have them."""

    def __init__(self, names, values):
        for name in names:
            setattr(self, name, (values or {}).get(name))


class Context:
    def __init__(self, headers):
        env = os.environ
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.function_name = env.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = env.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.client_context = self.identity = None
        self._deadline = int(headers["lambda-runtime-deadline-ms"])
        client = headers.get("lambda-runtime-client-context")
        if client:
            values = load(client.encode())
            names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
            self.client_context = Record(("custom", "env"), values)
            self.client_context.client = Record(names, values.get("client"))
        identity = headers.get("lambda-runtime-cognito-identity")
        values = load(identity.encode()) if identity else {}
        self.identity = Record((), {})
        self.identity.cognito_identity_id = values.get("cognitoIdentityId")
        self.identity.cognito_identity_pool_id = values.get("cognitoIdentityPoolId")

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, message):
        print(message, end="")


class LoggingHook:
    """Gives the root logger Lambda's handler when, and only if, the function imports logging."""

    request_id = ""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        finders = [finder for finder in sys.meta_path if finder is not self]
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in finders)), None)
        if spec:
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda module: (execute(module), self.install(module))
        return spec

    def install(self, logging):
        hook = self

        class Handler(logging.StreamHandler):
            def filter(self, record):
                record.aws_request_id = hook.request_id
                return super().filter(record)

        handler = Handler(sys.stdout)
        layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
        handler.setFormatter(logging.Formatter(layout, "%Y-%m-%dT%H:%M:%S"))
        handler.formatter.converter = time.gmtime
        logging.getLogger().addHandler(handler)


def describe(error, request_id):
    if isinstance(error, RuntimeFailure):
        kind, trace = error.error_type, error.trace
    else:
        import traceback

        frames = traceback.extract_tb(error.__traceback__)
        while frames and frames[0].filename in (describe.__code__.co_filename, "<frozen importlib._bootstrap>"):
            del frames[0]
        kind, trace = type(error).__name__, traceback.format_list(frames)
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def log_failure(failure):
    lines = ["[ERROR] %s: %s" % (failure["errorType"], failure["errorMessage"])]
    if failure["stackTrace"]:
        lines.append("Traceback (most recent call last):")
        lines += [line for entry in failure["stackTrace"] for line in entry.rstrip("\n").split("\n")]
    # One record is one line of the log: \r inside it, and spaces that viewers do not trim.
    record = "\r".join(line.replace("  ", "\u00a0\u00a0") if line[:1] == " " else line for line in lines)
    print(record.encode("utf-8", "replace").decode())


def find_handler(name):
    module_name, dot, function_name = name.rpartition(".")
    if not dot or not module_name:
        raise RuntimeFailure("Runtime.MalformedHandlerName", "Bad handler '%s': not MODULE.FUNCTION" % name)
    module_name = module_name.replace("/", ".")
    if module_name in sys.builtin_module_names:
        message = "Cannot use built-in module %s as a handler module" % module_name
        raise RuntimeFailure("Runtime.BuiltInModuleConflict", message)
    try:
        __import__(module_name)
    except ImportError as error:
        message = "Unable to import module '%s': %s" % (module_name, error)
        raise RuntimeFailure("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        message = "Syntax error in module '%s': %s" % (module_name, error)
        raise RuntimeFailure("Runtime.UserCodeSyntaxError", message, trace) from error
    try:
        return getattr(sys.modules[module_name], function_name)
    except AttributeError:
        message = "Handler '%s' missing on module '%s'" % (function_name, module_name)
        raise RuntimeFailure("Runtime.HandlerNotFound", message) from None


def unmarshal(content_type, body):
    if content_type.startswith("application/x-www-form-urlencoded"):
        try:
            return load(body)  # curl -d calls everything a form
        except ValueError:
            return body
    return load(body) if content_type.startswith("application/json") else body


def call(handler, headers, body):
    try:
        event = unmarshal(headers.get("content-type", "application/json"), body)
    except ValueError as error:
        raise RuntimeFailure("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from error
    result = handler(event, Context(headers))
    try:
        return dump(result)
    except (TypeError, ValueError, RecursionError) as error:
        raise RuntimeFailure("Runtime.MarshalError", "Unable to marshal response: %s" % error) from error


def fork_workers(count):
    """Lambda's way to several calls at once: a process each, so that no handler needs to know. One that ends
    ends them all, and so the instance."""
    for _ in range(count):
        if os.fork() == 0:
            return
    status = os.wait()[1]
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status) & 255)


def main():
    count = int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", 1))
    if count > 1:
        fork_workers(count)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    version = "python%d.%d" % sys.version_info[:2]
    sys.path[0:1] = [os.environ["LAMBDA_TASK_ROOT"], "/opt/python/lib/%s/site-packages" % version, "/opt/python"]
    hook = LoggingHook()
    sys.meta_path.insert(0, hook)
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = find_handler(os.environ["_HANDLER"])
    except Exception as error:
        failure = describe(error, "")
        log_failure(failure)
        api.fail("init/error", failure)
        sys.exit(1)
    while True:
        headers, body = api.next()
        hook.request_id = request_id = headers["lambda-runtime-aws-request-id"]
        if trace := headers.get("lambda-runtime-trace-id"):
            os.environ["_X_AMZN_TRACE_ID"] = trace
        try:
            result = call(handler, headers, body)
        except Exception as error:
            failure = describe(error, request_id)
            log_failure(failure)
            api.fail("invocation/%s/error" % request_id, failure)
        else:
            api.respond(request_id, result)


if __name__ == "__main__":
    main()
