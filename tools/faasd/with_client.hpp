// A command that asks a daemon.
#pragma once

#include "command_line.hpp"
#include "output.hpp"

namespace faasd {

// Opens the client and hands it on; whatever fails is told.
template <class Ask, class Show>
int with_client(CommandLine const& line, Ask ask, Show show) {
  auto const client = faas::Client::open(line.url);
  if (!client) return fail(client.error());
  auto const reply = ask(*client);
  if (!reply) return fail(reply.error());
  return show(*reply);
}

}  // namespace faasd
