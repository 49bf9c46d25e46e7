// Jails that wait for their program. Each is a jail nobody asked for yet: it has a ticket that no
// host sees, an id and a cgroup; a submit that wants the same takes it over.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/sandbox_impl.hpp"

namespace faas::inline v0 {
namespace {

constexpr std::size_t kShapes = 4;

}  // namespace

// All that is built before the program is known.
std::string Sandbox::Impl::shape_of(Spec const& s) const {
  auto shape = fmt::format("{} {} {} {} {} {} {} {} {}", static_cast<int>(s.seccomp),
                           s.memory.count, s.tmp.count, s.processes, s.open_files, s.cpus,
                           s.listener, facts.nice, facts.background);
  for (auto const& file : s.files)
    shape += fmt::format(" {} {} {}", file.path, file.content.size(), file.content);
  return shape;
}

void Sandbox::Impl::want_shells(Spec const& spec) {
  look_at_spawner();
  shells_failed = false;
  auto key = shape_of(spec);
  auto const it = std::find_if(shapes.begin(), shapes.end(),
                               [&](Shape const& shape) { return shape.key == key; });
  Shape shape{std::move(key), {}};
  if (it != shapes.end()) {
    shape = std::move(*it);
    shapes.erase(it);
  } else {
    shape.spec = spec;
    shape.spec.id.clear();
    shape.spec.argv = {"/"};
    shape.spec.environment.clear();
    shape.spec.task.clear();
    shape.spec.opt.clear();
    shape.spec.recycle.clear();
    shape.spec.output_fd = shape.spec.error_fd = shape.spec.channel_fd = -1;
  }
  shapes.push_front(std::move(shape));
  if (shapes.size() <= kShapes) return;
  for (auto& [ticket, jail] : jails)
    if (jail.shape == shapes.back().key) signal(ticket, sandbox::wire::Verb::kill);
  shapes.pop_back();
}

Sandbox::Impl::Jails::iterator Sandbox::Impl::find_shell(std::string const& shape) {
  if (shape.empty()) return jails.end();
  return std::find_if(jails.begin(), jails.end(), [&](auto const& entry) {
    auto const& jail = entry.second;
    return jail.waiting && !jail.killed && !jail.lost && jail.shape == shape;
  });
}

void Sandbox::Impl::prepare_shell() {
  for (auto const& shape : shapes) {
    auto const there = std::count_if(jails.begin(), jails.end(), [&](auto const& entry) {
      return entry.second.shape == shape.key;
    });
    if (there >= static_cast<std::ptrdiff_t>(shells)) continue;
    auto spec = shape.spec;
    Jail jail;
    jail.shape = shape.key;
    auto const ticket = next_ticket++;
    spec.id = fmt::format("_s{}", ticket);  // no id of a host's has a "_"
    shells_failed = !ensure_filter(spec.seccomp) || !begin(spec, std::move(jail), ticket);
    return;
  }
}

// It never was what a host asked for, so no host hears of it.
void Sandbox::Impl::end_shell(Jails::iterator it) {
  shells_failed |= !it->second.killed;
  release(it->second);
  jails.erase(it);
}

}  // namespace faas::inline v0
