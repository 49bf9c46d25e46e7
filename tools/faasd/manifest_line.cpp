// apply, export.
#include "tree.hpp"

namespace faasd {

void add_manifest(CLI::App& app, CommandLine& out) {
  auto& m = out.manifest;
  auto* apply = add_client(app, out, kDeploying, "apply",
                           "Make functions as a file says: YAML or JSON, or a SAM template");
  apply->add_option("file", m.file, "The file; its paths are relative to it")
      ->type_name("FILE")
      ->required();
  apply->add_flag("--dry-run", m.dry_run, "Say what would be done, and do nothing");
  apply->add_flag(
      "--prune", m.prune,
      "Delete functions that an earlier apply of this stack made and that are gone from "
      "the file");
  apply
      ->add_option("--stack", m.stack,
                   "Whose functions these are [stack: in the file, or its name]")
      ->type_name("NAME");
  auto* command = add_client(app, out, kDeploying, "export",
                             "Print functions as a file that apply reads, environment included");
  command->add_option("names", m.names, "Which functions [all]")->type_name(kFunctionType);
  command->add_option("--code", m.code, "Write their code here, a zip each, and name it")
      ->type_name("DIR");
}

}  // namespace faasd
