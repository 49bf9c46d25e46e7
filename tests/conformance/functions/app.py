"""The Python function of the conformance tests: it does what its event asks for."""

import json
import os
import sys
import time

calls = 0


class Refused(Exception):
    pass


def handler(event, context):
    global calls
    calls += 1
    do = event.get("do", "echo") if isinstance(event, dict) else "size"
    if do == "size":
        return len(json.dumps(event))
    if do == "count":
        return calls
    if do == "print":
        print(event["text"])
    if do == "raise":
        raise Refused(event["text"])
    if do == "sleep":
        time.sleep(event["seconds"])
    if do == "exit":
        os._exit(event["status"])
    if do == "environment":
        return os.environ.get(event["name"])
    if do == "long":
        return "a" * event["bytes"]
    if do == "context":
        return {
            "request_id": context.aws_request_id,
            "arn": context.invoked_function_arn,
            "name": context.function_name,
            "version": context.function_version,
            "memory": context.memory_limit_in_mb,
            "remaining": context.get_remaining_time_in_millis(),
            "custom": context.client_context.custom if context.client_context else None,
        }
    return {"echo": event, "python": f"{sys.version_info.major}.{sys.version_info.minor}"}
