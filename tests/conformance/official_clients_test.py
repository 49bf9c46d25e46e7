#!/usr/bin/env python3
"""Functions built on Lambda's official runtime clients for Node and C++ run unchanged."""

import base64
import json
import urllib.error
import urllib.request

import fixture
import official_build
from fixture import FUNCTIONS, ROLE, json_string

MEGABYTE = 1 << 20


class ClientCase(fixture.Case):
    def post(self, path, body, headers=()):
        """(status, headers, body) of a POST."""
        request = urllib.request.Request(self.daemon.url + path, body, dict(headers), method="POST")
        try:
            answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, answer.read()

    def create(self, name, zipped, handler, **settings):
        status, _, body = self.post("/2015-03-31/functions", json.dumps({
            "FunctionName": name, "Runtime": "provided.al2023", "Handler": handler, "Role": ROLE, "Timeout": 20,
            "MemorySize": 256, "Code": {"ZipFile": base64.b64encode(zipped).decode()}, **settings}).encode())
        self.assertEqual(201, status, body)

    def invoke(self, name, payload, **headers):
        """(headers, body) of an Invoke, which is always answered with 200."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        status, headers, body = self.post(f"/2015-03-31/functions/{name}/invocations", payload, named)
        self.assertEqual(200, status, body)
        return headers, body

    def value(self, name, event, **headers):
        told, body = self.invoke(name, json.dumps(event, separators=(",", ":")).encode(), **headers)
        self.assertIsNone(told["X-Amz-Function-Error"], body)
        return told, json.loads(body)

    def error(self, name, event):
        told, body = self.invoke(name, json.dumps(event, separators=(",", ":")).encode())
        self.assertEqual("Unhandled", told["X-Amz-Function-Error"], body)
        return json.loads(body)


class NodeClient(ClientCase):
    @classmethod
    def setUpClass(cls):
        zipped = official_build.node_zip(official_build.client(fixture.arguments.cache), FUNCTIONS / "node")
        super().setUpClass()
        cls.zipped = zipped
        for name in ("handler", "callback", "stream"):
            cls.create(cls(), name, zipped, f"index.{name}")

    def test_an_event_is_answered(self):
        event = {"a": [1, None, "é\n"], "b": {"c": True}}
        self.assertEqual({"echo": event}, self.value("handler", event)[1])

    def test_its_context_is_that_of_the_call(self):
        told, context = self.value("handler", {"do": "context"}, X_Amz_Client_Context=base64.b64encode(
            b'{"custom":{"k":"v"}}').decode())
        self.assertEqual(told["x-amzn-RequestId"], context["request"])
        self.assertEqual(("handler", "arn:aws:lambda:us-east-1:000000000000:function:handler", "256"),
                         (context["name"], context["arn"], context["memory"]))
        self.assertTrue(10_000 < context["remaining"] <= 20_000, context)
        self.assertEqual({"k": "v"}, context["client"]["custom"])

    def test_one_process_answers_call_after_call(self):
        answers = [self.value("handler", {"do": "context"}) for _ in range(50)]
        self.assertEqual(1, len({context["pid"] for _, context in answers}))
        self.assertEqual(50, len({context["request"] for _, context in answers}))
        self.assertEqual({"warm"}, {told["X-Faas-Start"] for told, _ in answers[1:]})

    def test_what_it_prints_is_in_the_log_of_the_call(self):
        told, _ = self.value("handler", {"do": "print", "text": "of this call"}, X_Amz_Log_Type="Tail")
        self.assertRegex(base64.b64decode(told["X-Amz-Log-Result"]).decode(),
                         rf"(?s)^START .*\t{told['x-amzn-RequestId']}\tINFO\tof this call\n.*REPORT ")

    def test_an_exception_is_a_function_error_with_its_trace(self):
        error = self.error("handler", {"do": "raise", "text": "not today"})
        self.assertEqual(("Refused", "not today"), (error["errorType"], error["errorMessage"]))
        self.assertIn("/var/task/index.js", "".join(error["trace"]))
        self.assertEqual({"echo": {"a": 1}}, self.value("handler", {"a": 1})[1])

    def test_a_callback_answers_and_refuses(self):
        self.assertEqual({"later": {"a": 1}}, self.value("callback", {"a": 1})[1])
        self.assertEqual("not today", self.error("callback", {"fail": "not today"})["errorMessage"])

    def test_a_stream_is_collected_for_a_caller_who_wants_the_whole(self):
        parts = ["one ", "two ", "x" * 100_000, " end"]
        told, body = self.invoke("stream", json.dumps({"parts": parts}).encode())
        self.assertIsNone(told["X-Amz-Function-Error"], body)
        self.assertEqual("".join(parts).encode(), body)
        status, told, body = self.post("/function/stream", json.dumps({"parts": parts}).encode())
        self.assertEqual((200, "text/plain", "".join(parts).encode()), (status, told["Content-Type"], body))

    def test_a_stream_that_fails_on_its_way_is_a_function_error(self):
        told, body = self.invoke("stream", json.dumps({"parts": ["one "], "fail": "not today"}).encode())
        self.assertEqual("Unhandled", told["X-Amz-Function-Error"], body)
        self.assertIn(b"not today", body)
        self.assertEqual(b"again", self.invoke("stream", b'{"parts":["again"]}')[1])

    def test_a_megabyte_comes_and_goes(self):
        text = "a" * MEGABYTE
        self.assertEqual(MEGABYTE, self.value("handler", {"do": "size", "text": text})[1])
        self.assertEqual({"echo": {"text": text}}, self.value("handler", {"text": text})[1])

    def test_a_process_that_exits_is_a_function_error_and_the_next_call_runs(self):
        error = self.error("handler", {"do": "exit", "status": 3})
        self.assertEqual("Runtime.ExitError", error["errorType"])
        self.assertIn("exit status 3", error["errorMessage"])
        self.assertEqual({"echo": {"a": 1}}, self.value("handler", {"a": 1})[1])

    def test_a_handler_that_is_not_there_is_said_by_name(self):
        self.create("nobody", self.zipped, "index.nobody")
        error = self.error("nobody", {})
        self.assertEqual("Runtime.HandlerNotFound", error["errorType"])
        self.assertIn("index.nobody", error["errorMessage"])


class CppClient(ClientCase):
    @classmethod
    def setUpClass(cls):
        cache = fixture.arguments.cache
        zipped = official_build.cpp_zip(official_build.client(cache), FUNCTIONS / "cpp", cache)
        super().setUpClass()
        cls.create(cls(), "answer", zipped, "answer")

    def test_an_event_is_answered(self):
        self.assertEqual({"a": [1, None, "é"]}, self.value("answer", {"a": [1, None, "é"]})[1])

    def test_its_context_is_that_of_the_call(self):
        told, context = self.value("answer", {"do": "context"}, X_Amz_Client_Context=base64.b64encode(
            b'{"custom":{"k":"v"}}').decode())
        self.assertEqual(told["x-amzn-RequestId"], context["request"])
        self.assertEqual("arn:aws:lambda:us-east-1:000000000000:function:answer", context["arn"])
        self.assertTrue(10_000 < context["remaining"] <= 20_000, context)
        self.assertEqual({"k": "v"}, context["client"]["custom"])

    def test_a_failure_is_a_function_error(self):
        error = self.error("answer", {"do": "fail"})
        self.assertEqual(("Refused", "not today"), (error["errorType"], error["errorMessage"]))
        self.assertEqual({"a": 1}, self.value("answer", {"a": 1})[1])

    def test_call_after_call_is_answered_by_a_warm_instance(self):
        starts = [self.value("answer", {"number": number})[0]["X-Faas-Start"] for number in range(200)]
        self.assertEqual({"warm"}, set(starts[1:]))

    def test_a_megabyte_comes_and_goes(self):
        payload = json_string(MEGABYTE)
        self.assertEqual(payload, self.invoke("answer", payload)[1])

    def test_bytes_of_any_value_come_and_go_with_their_type(self):
        every_byte = bytes(range(256))
        self.assertEqual(every_byte, self.invoke("answer", b'{"do":"bytes"}')[1])
        status, told, body = self.post("/function/answer", b'{"do":"bytes"}')
        self.assertEqual((200, "image/png", every_byte), (status, told["Content-Type"], body))
        sent = every_byte * 4096
        status, told, body = self.post("/function/answer", sent, {"Content-Type": "image/png"})
        self.assertEqual((200, "application/octet-stream"), (status, told["Content-Type"]))
        self.assertEqual(sent, body)

    def test_a_process_that_aborts_is_a_function_error_and_the_next_call_runs(self):
        error = self.error("answer", {"do": "abort"})
        self.assertEqual("Runtime.ExitError", error["errorType"])
        self.assertIn("signal: aborted", error["errorMessage"])
        self.assertEqual({"a": 1}, self.value("answer", {"a": 1})[1])


if __name__ == "__main__":
    if why := official_build.missing():
        fixture.skip_all("official_clients", why)
    fixture.main("official_clients")
