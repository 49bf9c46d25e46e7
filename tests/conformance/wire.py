"""The client that sends any request as it is and judges every reply: raw HTTP on one connection."""

import http.client
import json
import urllib.parse

import oracle


class Refusal(Exception):
    """The service said no: the name of the exception, the status, the message, the reason of a throttle."""

    def __init__(self, name, status, message, reason=None):
        super().__init__(f"{name} ({status}): {message}")
        self.name, self.status, self.message, self.reason = name, status, message, reason


class Wire:
    name, dropped = "raw", ()

    def __init__(self, url, service):
        self.url, self.service, self.oracle = url, service, oracle.Oracle(service)
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)

    def knows(self, operation):
        return operation in self.service.operations

    def close(self):
        self.connection.close()

    def exchange(self, method, path, headers=None, body=None):
        """(status, headers, body) of one request, whatever it is."""
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def judged(self, operation, method, path, headers, body):
        """The same for a request of an operation; the reply must be one that Lambda could give."""
        status, told, answer = self.exchange(method, path, headers, body)
        if wrong := self.oracle.complaints(operation, status, told, answer):
            raise AssertionError(f"{operation}: {method} {path}: {status} {answer[:600]!r}: " + "; ".join(wrong))
        if status >= 300:
            said = json.loads(answer)
            raise Refusal(told["x-amzn-ErrorType"], status, said.get("message") or said.get("Message"),
                          said.get("Reason"))
        return status, told, answer

    def call(self, operation, parameters):
        """The members of the reply, wherever they came from."""
        status, told, answer = self.judged(operation, *self.service.request(operation, parameters))
        described = self.service.operations[operation]
        shape = self.service.shape(described["output"]) if "output" in described else {"members": {}}
        reply = {name: told[member["locationName"]] for name, member in shape["members"].items()
                 if member.get("location") == "header" and member["locationName"] in told}
        if "payload" in shape:
            return {**reply, "StatusCode": status, shape["payload"]: answer}
        return {**reply, **(json.loads(answer) if answer else {})}
