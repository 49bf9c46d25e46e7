#include "commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <faas/http_server.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "completion.hpp"
#include "manual.hpp"
#include "output.hpp"
#include "tree.hpp"
#include "with_client.hpp"

namespace faasd {
namespace {

using faas::Client;
using faas::Errc;
using faas::Error;
using faas::Result;

double in_ms(faas::Duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

Result<std::map<std::string, std::string>> split_environment(
    std::vector<std::string> const& pairs) {
  std::map<std::string, std::string> out;
  for (auto const& pair : pairs) {
    auto const equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{Errc::invalid_argument, fmt::format("--env {}: write it as NAME=VALUE", pair),
                   "", "usage"};
    }
    out[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return out;
}

Result<std::string> read_data(std::optional<std::string> const& data) {
  if (!data || !data->starts_with('@')) return data.value_or("");
  auto const path = data->substr(1);
  std::ostringstream bytes;
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& source = path == "-" ? std::cin : file;
  if (!source || std::filesystem::is_directory(path))
    return Error{Errc::not_found, fmt::format("--data {}: the file cannot be read", *data), "",
                 "usage"};
  bytes << source.rdbuf();
  return std::move(bytes).str();
}

int print_report(faas::HostReport const& report) {
  for (auto const& check : report.checks) {
    fmt::print("{:<9} {:<24} {}\n", to_string(check.state), check.name, check.found);
    if (!check.cost.empty()) fmt::print("{:<9} {:<24} cost: {}\n", "", "", check.cost);
    if (!check.fix.empty()) fmt::print("{:<9} {:<24} fix:  {}\n", "", "", check.fix);
  }
  std::string runtimes;
  for (auto const& name : report.interpreters) runtimes += " " + name;
  fmt::print("runtimes:{}\n", runtimes.empty() ? " none" : runtimes);
  return kOk;
}

int status_of(faas::HostState worst) {
  return worst == faas::HostState::ok         ? kOk
         : worst == faas::HostState::degraded ? kDegraded
                                              : kMissing;
}

}  // namespace

int deploy(CommandLine const& line) {
  auto request = line.deploy;
  if (!line.environment.empty()) {
    auto variables = split_environment(line.environment);
    if (!variables) return fail(variables.error());
    request.environment = std::move(*variables);
  }
  return with_client(
      line, [&](Client const& c) { return c.deploy(request, upload_bar()); },
      [&](faas::DeployReply const& reply) {
        if (line.json) {
          fmt::print("{}\n", reply.json);
        } else {
          fmt::print("{} {}: {} {}, {} of code, {} MB, {} s\n",
                     reply.created ? "created" : "updated", request.name, reply.runtime,
                     reply.handler, in_units(reply.code_size), reply.memory, reply.timeout);
        }
        return kOk;
      });
}

int invoke(CommandLine const& line) {
  auto data = read_data(line.data);
  if (!data) return fail(data.error());
  return with_client(
      line, [&](Client const& c) { return c.invoke(line.name, *data, line.log, line.qualifier); },
      [&](faas::InvokeReply const& reply) {
        if (line.json) {
          fmt::print(
              "{{\"FunctionError\":{},\"Version\":{},\"Start\":{},\"RequestId\":{},"
              "\"Milliseconds\":{:.3f},\"Log\":{},\"Payload\":{}}}\n",
              reply.function_error, json_text(reply.version), json_text(reply.start),
              json_text(reply.request_id), in_ms(reply.took), json_text(reply.log),
              json_text(reply.payload));
        } else {
          if (line.log) show(stderr, reply.log);
          show(stdout, reply.payload);
          fmt::print("\n");
          if (reply.function_error)
            fmt::print(stderr, "faasd: the function failed (request {})\n", reply.request_id);
        }
        return reply.function_error ? kFunctionError : kOk;
      });
}

int list(CommandLine const& line) {
  return with_client(
      line, [](Client const& c) { return c.list(); },
      [&](faas::FunctionList const& reply) {
        if (line.json) {
          fmt::print("{}\n", reply.json);
          return kOk;
        }
        if (line.names) {
          for (auto const& f : reply.functions) fmt::print("{}\n", f.name);
          return kOk;
        }
        std::vector<std::vector<std::string>> rows{
            {"NAME", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "CODE", "CHANGED"}};
        for (auto const& f : reply.functions) {
          rows.push_back({f.name, f.runtime, f.handler, fmt::format("{} MB", f.memory),
                          fmt::format("{} s", f.timeout), in_units(f.code_size),
                          f.last_modified.substr(0, 19)});
        }
        print_table(rows);
        return kOk;
      });
}

int remove(CommandLine const& line) {
  auto const client = open_client(line);
  if (!client) return fail(client.error());
  auto const removed = client->remove(line.name);
  if (!removed) return fail(removed.error());
  fmt::print(fmt::runtime(line.json ? "{{\"Deleted\":{}}}\n" : "deleted {}\n"),
             line.json ? json_text(line.name) : line.name);
  return kOk;
}

int logs(CommandLine const& line) {
  auto const client = open_client(line);
  if (!client) return fail(client.error());
  bool const as_is = !line.json && ::isatty(STDOUT_FILENO) != 1;
  Lines lines(stdout, line.json ? json_line : visible);
  auto const done = client->logs(line.name, line.logs, [&](std::string_view text) {
    if (as_is) {
      std::fwrite(text.data(), 1, text.size(), stdout);
    } else {
      lines.add(text);
    }
    return std::fflush(stdout) == 0;
  });
  lines.finish();
  return done ? kOk : fail(done.error());
}

int doctor(CommandLine const& line) {
  if (line.url_given) {
    return with_client(
        line, [](Client const& c) { return c.doctor(); },
        [&](faas::DoctorReply const& reply) {
          if (line.json) fmt::print("{}\n", reply.json);
          if (!line.json) print_report(reply.report);
          return status_of(reply.report.worst());
        });
  }
  auto const report = faas::audit_host();
  if (line.json) fmt::print("{}\n", faas::host_report_json(report));
  if (!line.json) print_report(report);
  return status_of(report.worst());
}

int ps(CommandLine const& line) {
  return with_client(
      line, [](Client const& c) { return c.instances(); },
      [&](faas::InstanceList const& reply) {
        if (line.json) {
          fmt::print("{}\n", reply.json);
          return kOk;
        }
        std::vector<std::vector<std::string>> rows{
            {"INSTANCE", "FUNCTION", "PHASE", "CALLS", "MEMORY", "STARTED"}};
        for (auto const& i : reply.instances) {
          rows.push_back({std::to_string(i.instance), i.function, i.phase, std::to_string(i.calls),
                          i.max_memory == 0 ? "-" : in_units(i.max_memory),
                          i.started.substr(0, 19)});
        }
        print_table(rows);
        return kOk;
      });
}

int status(CommandLine const& line) {
  return with_client(
      line, [](Client const& c) { return c.status(); },
      [&](faas::StatusReply const& reply) {
        if (line.json) fmt::print("{}\n", reply.json);
        for (auto const& [name, value] : reply.fields) {
          if (!line.json) fmt::print("{:<18} {}\n", name, value);
        }
        return kOk;
      });
}

int key(CommandLine const& line) {
  auto principal = line.principal;
  for (auto const& text : line.allow) {
    auto grant = faas::parse_grant(text);
    if (!grant) return fail(grant.error());
    principal.allow.push_back(std::move(*grant));
  }
  auto const kind = line.sigv4 ? faas::KeyKind::sigv4 : faas::KeyKind::api_key;
  auto const made = faas::new_key(std::move(principal), kind);
  if (!made) return fail(made.error());
  fmt::print(stderr,
             "For the client; it is shown this once. Below it the entry for \"Principals\" of the "
             "access file.\n");
  fmt::print("{}\n{}\n", made->for_client, made->entry);
  return kOk;
}

int completion(CommandLine const& line) {
  CommandLine nothing;
  fmt::print("{}", completion_script(*command_tree(nothing), line.shell));
  return kOk;
}

int man(CommandLine const&) {
  CommandLine nothing;
  fmt::print("{}", manual(*command_tree(nothing), FAASD_VERSION));
  return kOk;
}

int version(CommandLine const& line) {
  if (line.json) fmt::print("{{\"Version\":\"" FAASD_VERSION "\"}}\n");
  if (!line.json) fmt::print("faasd " FAASD_VERSION "\n");
  return kOk;
}

}  // namespace faasd
