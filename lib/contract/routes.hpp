// Which call of the Runtime API a request is.
#pragma once

#include <cstdint>
#include <string_view>

namespace faas::inline v0::contract {

enum class Endpoint : std::uint8_t {
  next,
  response,
  error,
  init_error,
  ping,
  extension_register,
  extension_next,
  extension_init_error,
  extension_exit_error,
  telemetry,
  logs,
  snapstart,  // restore and credentials: known, not offered
  unknown
};

struct Route {
  Endpoint endpoint = Endpoint::unknown;
  std::string_view request_id;  // of response and error; an opaque token, never decoded
};

Route route(std::string_view method, std::string_view target);

}  // namespace faas::inline v0::contract
