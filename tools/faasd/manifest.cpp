// apply, export.
#include <fmt/format.h>

#include <cstdio>
#include <faas/manifest.hpp>

#include "commands.hpp"
#include "with_client.hpp"

namespace faasd {
namespace {

using Kind = faas::AppliedStep::Kind;

constexpr std::string_view sign(Kind kind) {
  return kind == Kind::create ? "+" : kind == Kind::remove ? "-" : "~";
}

constexpr std::string_view word(Kind kind) {
  return kind == Kind::create ? "create" : kind == Kind::remove ? "delete" : "update";
}

// "    ~ memory: 128 -> 256"
void print_difference(faas::Difference const& d) {
  auto const mark = d.from.empty() ? '+' : d.to.empty() ? '-' : '~';
  std::string line;
  if (d.field.starts_with("environment.")) {
    line = fmt::format("{}{}", d.field, mark == '~' ? ": changed" : "");
  } else if (mark == '+') {
    line = fmt::format("{}: {}", d.field, d.to);
  } else if (mark == '-') {
    line = fmt::format("{}: {}", d.field, d.from);
  } else {
    line = fmt::format("{}: {} -> {}", d.field, d.from, d.to);
  }
  show(stdout, fmt::format("    {} {}\n", mark, line));
}

// What belongs to one function stands below its name once.
class Printer {
 public:
  void print(faas::AppliedStep const& step) {
    if (step.function != last_) fmt::print("{} {}\n", sign(step.kind), step.function);
    last_ = step.function;
    for (auto const& d : step.differences) print_difference(d);
    std::fflush(stdout);  // a step may take long, and the next one fail
  }

 private:
  std::string last_;
};

std::string difference_json(faas::Difference const& d) {
  bool const hidden = d.field.starts_with("environment.");
  if (hidden) return fmt::format("{{\"Field\":{}}}", json_text(d.field));
  return fmt::format("{{\"Field\":{},\"From\":{},\"To\":{}}}", json_text(d.field),
                     json_text(d.from), json_text(d.to));
}

std::string step_json(faas::AppliedStep const& step) {
  std::string differences;
  for (auto const& d : step.differences)
    differences += (differences.empty() ? "" : ",") + difference_json(d);
  return fmt::format("{{\"Function\":{},\"Action\":{},\"Differences\":[{}]}}",
                     json_text(step.function), json_text(word(step.kind)), differences);
}

std::string reply_json(faas::ApplyReply const& reply, faas::Manifest const& manifest,
                       bool dry_run) {
  std::string steps, notes;
  for (auto const& step : reply.steps) steps += (steps.empty() ? "" : ",") + step_json(step);
  for (auto const& note : manifest.notes) notes += (notes.empty() ? "" : ",") + json_text(note);
  return fmt::format(
      "{{\"Stack\":{},\"DryRun\":{},\"Changed\":{},\"Unchanged\":{},\"Steps\":[{}],\"Notes\":[{}]}"
      "}",
      json_text(manifest.stack), dry_run, !reply.steps.empty() && !dry_run, reply.unchanged, steps,
      notes);
}

void print_notes(faas::Manifest const& manifest) {
  for (auto const& note : manifest.notes) show(stderr, fmt::format("faasd: {}\n", note));
}

void print_end(faas::ApplyReply const& reply, std::size_t functions, bool dry_run) {
  if (reply.steps.empty()) {
    fmt::print("nothing to do: {} functions are as the file says\n", functions);
  } else if (dry_run) {
    fmt::print("nothing was done; {} of {} functions are as the file says already\n",
               reply.unchanged, functions);
  } else {
    fmt::print("applied; {} of {} functions were as the file says already\n", reply.unchanged,
               functions);
  }
}

}  // namespace

int apply(CommandLine const& line) {
  auto const& wish = line.manifest;
  auto manifest = faas::read_manifest_file(wish.file);
  if (!manifest) return fail(manifest.error());
  if (!wish.stack.empty()) {
    manifest->stack = wish.stack;
    manifest->stack_named = true;
  }
  if (!line.json) print_notes(*manifest);
  Printer printer;
  faas::ApplyOptions options;
  options.dry_run = wish.dry_run;
  options.prune = wish.prune;
  if (!line.json) options.on_step = [&](faas::AppliedStep const& step) { printer.print(step); };
  return with_client(
      line, [&](faas::Client const& c) { return faas::apply_manifest(c, *manifest, options); },
      [&](faas::ApplyReply const& reply) {
        if (line.json) fmt::print("{}\n", reply_json(reply, *manifest, wish.dry_run));
        if (!line.json) print_end(reply, manifest->functions.size(), wish.dry_run);
        return wish.dry_run && !reply.steps.empty() ? kPending : kOk;
      });
}

int export_functions(CommandLine const& line) {
  auto const& wish = line.manifest;
  return with_client(
      line, [&](faas::Client const& c) { return faas::export_manifest(c, wish.names, wish.code); },
      [&](faas::Manifest const& manifest) {
        print_notes(manifest);
        auto const form = line.json ? faas::ManifestForm::json : faas::ManifestForm::yaml;
        fmt::print("{}", faas::write_manifest(manifest, form));
        return kOk;
      });
}

}  // namespace faasd
