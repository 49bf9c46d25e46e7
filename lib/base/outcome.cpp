#include <faas/outcome.hpp>

namespace faas::inline v0 {

std::string_view to_string(StartLevel level) {
  switch (level) {
    case StartLevel::warm: return "warm";
    case StartLevel::fork: return "fork";
    case StartLevel::pooled: return "pooled";
    case StartLevel::cold: return "cold";
    case StartLevel::first: return "first";
  }
  return "cold";
}

std::string_view to_string(Status status) {
  switch (status) {
    case Status::ok: return "ok";
    case Status::function_error: return "function_error";
    case Status::timed_out: return "timed_out";
    case Status::out_of_memory: return "out_of_memory";
    case Status::killed: return "killed";
    case Status::crashed: return "crashed";
    case Status::lost: return "lost";
    case Status::abandoned: return "abandoned";
  }
  return "lost";
}

std::vector<Stage> stages(Timing const& t) {
  std::vector<Stage> all{{"queued", t.queued}};
  auto const add = [&](std::string_view name, std::optional<Duration> const& took) {
    if (took) all.push_back({name, *took});
  };
  add("code", t.code);
  add("jail", t.jail);
  add("exec", t.exec);
  add("init", t.init);
  add("first_byte", t.first_byte);
  return all;
}

}  // namespace faas::inline v0
