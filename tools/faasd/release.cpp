// versions, publish, alias, concurrency, why.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <faas/releases.hpp>
#include <thread>

#include "commands.hpp"
#include "with_client.hpp"

namespace faasd {
namespace {

using faas::Client;
using faas::Errc;
using faas::Error;
using faas::Result;
using Rows = std::vector<std::vector<std::string>>;

// As long as Lambda lets provisioned instances take to initialise.
constexpr auto kReadyWithin = std::chrono::minutes(15);
constexpr auto kLookEvery = std::chrono::milliseconds(200);

Error usage(std::string message) {
  return {Errc::invalid_argument, std::move(message), "", "usage"};
}

template <class Number>
std::optional<Number> whole(std::string_view text) {
  Number value{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<faas::Weights> read_weights(std::vector<std::string> const& typed) {
  faas::Weights weights;
  for (auto const& text : typed) {
    auto const equals = text.find('=');
    auto percent = std::string_view(text).substr(equals == std::string::npos ? 0 : equals + 1);
    if (percent.ends_with('%')) percent.remove_suffix(1);
    auto const share = whole<double>(percent);
    if (equals == std::string::npos || equals == 0 || !share || !(*share >= 0 && *share <= 100)) {
      return usage(fmt::format(
          "--weight {}: write it as VERSION=PERCENT, from 0 to 100, e.g. --weight 2=10", text));
    }
    weights[text.substr(0, equals)] = *share;
  }
  return weights;
}

// "90 % 1, 10 % 2"
std::string shares(faas::AliasSummary const& alias) {
  double rest = 100;
  std::string further;
  for (auto const& [version, percent] : alias.weights) {
    rest -= percent;
    further += fmt::format(", {:.6g} % to {}", percent, version);
  }
  return fmt::format("{:.6g} % to {}{}", rest, alias.version, further);
}

void print_aliases(std::vector<faas::AliasSummary> const& aliases) {
  Rows rows{{"ALIAS", "VERSION", "CALLS", "DESCRIPTION"}};
  for (auto const& a : aliases) rows.push_back({a.name, a.version, shares(a), a.description});
  print_table(rows);
}

int show_alias(CommandLine const& line, faas::AliasSummary const& alias) {
  if (line.json) {
    fmt::print("{}\n", alias.json);
  } else {
    fmt::print("{}: {}\n", alias.name, shares(alias));
  }
  return kOk;
}

int delete_alias(CommandLine const& line) {
  auto const client = open_client(line);
  if (!client) return fail(client.error());
  auto const removed = faas::remove_alias(*client, line.name, *line.release.alias);
  if (!removed) return fail(removed.error());
  fmt::print(fmt::runtime(line.json ? "{{\"Deleted\":{}}}\n" : "deleted {}\n"),
             line.json ? json_text(*line.release.alias) : *line.release.alias);
  return kOk;
}

int change_alias(CommandLine const& line) {
  auto const& r = line.release;
  auto weights = read_weights(r.weights);
  if (!weights) return fail(weights.error());
  faas::AliasRequest change{r.version, std::nullopt, r.description};
  // A version alone gets all calls: that is how one goes forward and back at once.
  if (r.version || !weights->empty()) change.weights = std::move(*weights);
  return with_client(
      line, [&](Client const& c) { return faas::set_alias(c, line.name, *r.alias, change); },
      [&](faas::AliasSummary const& alias) { return show_alias(line, alias); });
}

// What is typed for --reserve, as a number or none.
Result<std::optional<std::uint64_t>> read_reserve(std::string const& typed) {
  if (typed == "none") return std::optional<std::uint64_t>();
  auto const count = whole<std::uint64_t>(typed);
  if (!count) {
    return usage(fmt::format("--reserve {}: write a whole number, or none to give it back", typed));
  }
  return std::optional(*count);
}

Result<void> reserve(CommandLine const& line, Client const& client) {
  if (!line.release.reserve) return {};
  auto const count = read_reserve(*line.release.reserve);
  if (!count) return count.error();
  return faas::reserve_concurrency(client, line.name, *count);
}

Result<void> wait_until_ready(CommandLine const& line, Client const& client) {
  auto const end = std::chrono::steady_clock::now() + kReadyWithin;
  for (;;) {
    auto const now = faas::provisioned_of(client, line.name, line.qualifier);
    if (!now) return now.error();
    if (now->status == "READY") return {};
    if (now->status == "FAILED") {
      return Error{Errc::unavailable,
                   fmt::format("The instances of {}:{} could not be initialised: {}", line.name,
                               line.qualifier, now->reason),
                   "ProvisioningFailed", "daemon"};
    }
    if (std::chrono::steady_clock::now() > end) {
      return Error{Errc::deadline,
                   fmt::format("After 15 minutes {} of {} instances of {}:{} are ready",
                               now->available, now->requested, line.name, line.qualifier),
                   "ProvisioningFailed", "daemon"};
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

Result<void> provision(CommandLine const& line, Client const& client) {
  auto const& count = line.release.provision;
  if (!count) return {};
  if (*count == 0) return faas::unprovision(client, line.name, line.qualifier);
  auto const asked = faas::provision(client, line.name, line.qualifier, *count);
  if (!asked) return asked.error();
  return line.release.no_wait ? Result<void>() : wait_until_ready(line, client);
}

std::string concurrency_json(faas::ConcurrencySummary const& c) {
  std::string all;
  for (auto const& p : c.provisioned) all += (all.empty() ? "" : ",") + p.json;
  return fmt::format(
      "{{\"ReservedConcurrentExecutions\":{},\"ProvisionedConcurrencyConfigs\":[{}]}}",
      c.reserved ? std::to_string(*c.reserved) : "null", all);
}

void print_concurrency(faas::ConcurrencySummary const& c) {
  fmt::print("reserved     {}\n", !c.reserved        ? "none: shares what the others leave"
                                  : *c.reserved == 0 ? "0: stopped"
                                                     : std::to_string(*c.reserved));
  if (c.provisioned.empty()) fmt::print("provisioned  none\n");
  for (auto const& p : c.provisioned) {
    fmt::print("provisioned  {}: {} of {} ready, {}{}\n", p.qualifier, p.available, p.requested,
               p.status, p.reason.empty() ? "" : ": " + p.reason);
  }
}

}  // namespace

int versions(CommandLine const& line) {
  return with_client(
      line, [&](Client const& c) { return faas::list_versions(c, line.name); },
      [&](faas::VersionList const& reply) {
        if (line.json) {
          fmt::print("{}\n", reply.json);
          return kOk;
        }
        Rows rows{{"VERSION", "RUNTIME", "HANDLER", "CODE", "CHANGED", "DESCRIPTION"}};
        for (auto const& v : reply.versions) {
          rows.push_back({v.version, v.runtime, v.handler, in_units(v.code_size),
                          v.last_modified.substr(0, 19), v.description});
        }
        print_table(rows);
        return kOk;
      });
}

int publish(CommandLine const& line) {
  return with_client(
      line,
      [&](Client const& c) {
        return faas::publish_version(c, line.name, line.release.description);
      },
      [&](faas::VersionSummary const& reply) {
        if (line.json) {
          fmt::print("{}\n", reply.json);
        } else {
          fmt::print("version {} of {}\n", reply.version, line.name);
        }
        return kOk;
      });
}

int alias(CommandLine const& line) {
  auto const& r = line.release;
  if (r.remove) return delete_alias(line);
  if (r.version || !r.weights.empty() || r.description) return change_alias(line);
  if (r.alias) {
    return with_client(
        line, [&](Client const& c) { return faas::find_alias(c, line.name, *r.alias); },
        [&](faas::AliasSummary const& found) { return show_alias(line, found); });
  }
  return with_client(
      line, [&](Client const& c) { return faas::list_aliases(c, line.name); },
      [&](faas::AliasList const& reply) {
        if (line.json) fmt::print("{}\n", reply.json);
        if (!line.json) print_aliases(reply.aliases);
        return kOk;
      });
}

int concurrency(CommandLine const& line) {
  return with_client(
      line,
      [&](Client const& c) -> Result<faas::ConcurrencySummary> {
        if (auto const done = reserve(line, c); !done) return done.error();
        if (auto const done = provision(line, c); !done) return done.error();
        return faas::concurrency_of(c, line.name);
      },
      [&](faas::ConcurrencySummary const& reply) {
        if (line.json) fmt::print("{}\n", concurrency_json(reply));
        if (!line.json) print_concurrency(reply);
        return kOk;
      });
}

namespace {

// An option of the library's, as the operator of a daemon sets it; other sources as they are. What
// is the library's default need not be the daemon's.
std::string set_by(std::string const& source) {
  constexpr std::string_view kOption = "SchedulerOptions::";
  if (!source.starts_with(kOption)) return source;
  auto flag = source.substr(kOption.size(), source.find(' ') - kOption.size());
  std::ranges::replace(flag, '_', '-');
  return "faasd serve --" + flag;
}

}  // namespace

int why(CommandLine const& line) {
  return with_client(
      line, [&](Client const& c) { return faas::effective_limits(c, line.name, line.qualifier); },
      [&](faas::LimitList const& reply) {
        if (line.json) {
          fmt::print("{}\n", reply.json);
          return kOk;
        }
        Rows rows{{"LIMIT", "VALUE", "USED", "UNIT", "SET BY"}};
        for (auto const& l : reply.limits) {
          rows.push_back({l.name, l.value.empty() ? "none" : l.value, l.used.empty() ? "-" : l.used,
                          l.unit, set_by(l.source)});
        }
        print_table(rows);
        return kOk;
      });
}

}  // namespace faasd
