// versions, publish, alias, concurrency, why.
#include "tree.hpp"

namespace faasd {
namespace {

void add_alias(CLI::App& app, CommandLine& out) {
  auto& r = out.release;
  auto* alias = add_client(app, out, kReleasing, "alias",
                           "List a function's aliases, move one to a version, or delete it");
  add_function(alias, out);
  auto* name = alias->add_option("alias", r.alias, "Which alias; with nothing more: show it");
  auto* version = alias->add_option(
      "version", r.version, "Where its calls go: a version, at once. Going back is the same");
  auto* weight = alias
                     ->add_option("--weight", r.weights,
                                  "A further version and its share of the calls, e.g. 2=10")
                     ->type_name("VERSION=PERCENT")
                     ->expected(1)
                     ->take_all();
  auto* about = alias->add_option("--description", r.description, "At most 256 characters");
  auto* remove = alias->add_flag("--delete", r.remove, "Delete the alias");
  for (auto* option : {version, weight, about, remove}) option->needs(name);
  remove->excludes(version)->excludes(weight)->excludes(about);
}

void add_concurrency(CLI::App& app, CommandLine& out) {
  auto& r = out.release;
  auto* command = add_client(app, out, kReleasing, "concurrency",
                             "Show or set what a function may and is sure to have at once");
  add_function(command, out);
  command
      ->add_option("--reserve", r.reserve,
                   "Calls at once at most, which no other function can take; 0 stops the function; "
                   "none gives them back")
      ->type_name("N|none");
  auto* provision = command
                        ->add_option("--provision", r.provision,
                                     "Instances kept initialised for --qualifier; 0: none")
                        ->type_name("N")
                        ->check(within(0, 1'000'000));
  auto* qualifier =
      command->add_option("--qualifier", out.qualifier, "A version or an alias, for --provision");
  provision->needs(qualifier);
  qualifier->needs(provision);
  command->add_flag("--no-wait", r.no_wait, "Do not wait until the instances are ready")
      ->needs(provision);
}

}  // namespace

void add_release(CLI::App& app, CommandLine& out) {
  auto* versions = add_client(app, out, kReleasing, "versions", "List a function's versions");
  add_function(versions, out);
  auto* publish = add_client(app, out, kReleasing, "publish",
                             "Make a version of what a function is now, which never changes");
  add_function(publish, out);
  publish->add_option("--description", out.release.description, "At most 256 characters");
  add_alias(app, out);
  add_concurrency(app, out);
  auto* why = add_client(app, out, kReleasing, "why",
                         "Show the limits of a function, what is used, and where each was set");
  add_function(why, out);
  why->add_option("--qualifier", out.qualifier, "A version or an alias");
}

}  // namespace faasd
