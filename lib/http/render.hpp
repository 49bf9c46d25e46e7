// A response's head as bytes. Pure but for the time it is given.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace faas::inline v0::http {

enum class Connection { keep_alive, close };

// Adds x-amzn-RequestId unless the handler set it, Date, the framing and Connection. A value of a
// header cannot end its line, whatever a function put in it.
std::string render_head(Response const&, std::string_view request_id, Connection, std::time_t now);

// "1f4\r\n"
std::string chunk_head(std::size_t size);

}  // namespace faas::inline v0::http
