# Deploy with: faasd deploy hello-python DIR --runtime python3.11 --handler app.handler


def handler(event, context):
    name = event.get("name", "world")
    print(f"greeting {name}")  # goes to the function's log
    return {
        "hello": name,
        "from": "python",
        "request": context.aws_request_id,
        "left_ms": context.get_remaining_time_in_millis(),
    }
