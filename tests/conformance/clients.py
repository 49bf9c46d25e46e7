"""The clients that people have, as one function each: an operation with its parameters in, the reply or Refusal out."""

import base64
import json
import pathlib
import re
import subprocess

import fixture
import oracle
from service import Service
from wire import Refusal

AWS = "/usr/bin/aws"
AWS_MODEL = pathlib.Path("/usr/lib/python3/dist-packages/awscli/botocore/data/lambda/2015-03-31/service-2.json")


class Boto3:
    """Debian's SDK for Python."""
    name, dropped = "boto3", oracle.NEWER_MEMBERS

    def __init__(self, url):
        import boto3
        import botocore.config
        self.client = boto3.client("lambda", endpoint_url=url, config=botocore.config.Config(
            read_timeout=60, retries={"total_max_attempts": 1}))

    def knows(self, operation):
        return operation in self.client.meta.service_model.operation_names

    def close(self):
        self.client.close()

    def call(self, operation, parameters):
        import botocore.exceptions
        try:
            reply = getattr(self.client, words(operation, "_"))(**parameters)
        except botocore.exceptions.ClientError as error:
            told = error.response
            raise Refusal(told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"], told["Error"]["Message"],
                          told.get("Reason")) from error
        reply.pop("ResponseMetadata")
        if "Payload" in reply:
            reply["Payload"] = reply["Payload"].read()
        return reply

    def wait(self, waiter, function):
        self.client.get_waiter(waiter).wait(FunctionName=function)


class AwsCli:
    """Debian's command line."""
    name, dropped = "awscli", oracle.NEWER_MEMBERS

    def __init__(self, url, folder):
        self.url, self.folder = url, folder
        self.operations = Service(AWS_MODEL).operations

    def knows(self, operation):
        return operation in self.operations

    def close(self):
        pass

    def run(self, *arguments):
        return subprocess.run(
            [AWS, "--endpoint-url", self.url, "--output", "json", "--no-paginate", "lambda", *arguments],
            cwd=self.folder, env=fixture.CLIENT_ENVIRONMENT | {"HOME": str(self.folder)}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120)

    def call(self, operation, parameters):
        command = [words(operation, "-"), *self.arguments(operation, parameters)]
        done = self.run(*command)
        if done.returncode == 0:
            reply = json.loads(done.stdout) if done.stdout else {}
            return {**reply, "Payload": (self.folder / "payload").read_bytes()} if operation == "Invoke" else reply
        refused = re.search(r"An error occurred \((\w+)\) when calling the (\w+) operation(?: \(reached[^)]*\))?: (.*)",
                            done.stderr, re.S)
        if done.returncode != 254 or not refused or refused[2] != operation:
            raise AssertionError(f"{command}: status {done.returncode}: {done.stderr}")
        # The command line does not tell the status.
        raise Refusal(refused[1], None, refused[3].strip())

    def arguments(self, operation, parameters):
        """All in one file of JSON; where an answer goes to a file the command line insists on its flags."""
        if operation != "Invoke":
            (self.folder / "input.json").write_text(json.dumps(parameters, default=encoded))
            return ["--cli-input-json", "file://input.json"]
        (self.folder / "event").write_bytes(parameters["Payload"])
        return [*(word for name, value in parameters.items() if name != "Payload"
                  for word in ("--" + words(name, "-"), value)), "--payload", "fileb://event", "payload"]

    def wait(self, waiter, function):
        done = self.run("wait", waiter.replace("_", "-"), "--function-name", function)
        if done.returncode:
            raise AssertionError(f"wait {waiter}: {done.stderr}")


class JavaScript:
    """The SDK of npm in one Node process: a line of JSON in, a line out."""
    name, dropped = "JavaScript", ()

    def __init__(self, url, node, package):
        self.process = subprocess.Popen(
            [node, str(fixture.HERE / "javascript_client.mjs"), str(package), url], env=fixture.CLIENT_ENVIRONMENT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def knows(self, operation):
        return True

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(20):
            raise AssertionError(f"node: status {self.process.returncode}")

    def ask(self, **line):
        self.process.stdin.write(json.dumps(line, default=lambda data: {"$bytes": encoded(data)}) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        if "refused" in told:
            raise Refusal(told["refused"], told["status"], told["message"], told.get("reason"))
        if "failed" in told:
            raise AssertionError(told["failed"])
        return told["reply"]

    def call(self, operation, parameters):
        reply = self.ask(operation=operation, parameters=parameters)
        if "Payload" in reply:
            reply["Payload"] = base64.b64decode(reply["Payload"]["$bytes"])
        return reply

    def wait(self, waiter, function):
        self.ask(waiter="waitUntil" + waiter.title().replace("_", ""), parameters={"FunctionName": function})


def words(operation, between):
    """CreateFunction as create_function."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", between, operation).lower()


def encoded(data):
    return base64.b64encode(data).decode()
