// A command that asks a daemon.
#pragma once

#include <cstdlib>

#include "command_line.hpp"
#include "output.hpp"

namespace faasd {

// Its key is in the environment alone: what is typed shows in lists of processes.
inline faas::Result<faas::Client> open_client(CommandLine const& line) {
  auto const* const key = std::getenv("FAASD_API_KEY");
  return faas::Client::open(line.url, key != nullptr ? key : "");
}

// Opens the client and hands it on; whatever fails is told.
template <class Ask, class Show>
int with_client(CommandLine const& line, Ask ask, Show show) {
  auto const client = open_client(line);
  if (!client) return fail(client.error());
  auto const reply = ask(*client);
  if (!reply) return fail(reply.error());
  return show(*reply);
}

}  // namespace faasd
