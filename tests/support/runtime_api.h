// A function on Lambda's Runtime API in plain C: one connection, no allocation.
#pragma once

#include <stddef.h>

// Answers one event: writes at most `room` bytes to `answer` and returns how many. Both are valid
// during the call only.
typedef size_t handler(char const* event, size_t size, char* answer, size_t room);

// Serves events of at most 64 KiB at AWS_LAMBDA_RUNTIME_API until the connection ends; never
// returns 0. Several threads may, each over a connection of its own.
int serve_events(handler*);
