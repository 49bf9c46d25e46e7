// completion, man.
#include "tree.hpp"

namespace faasd {

void add_shell(CLI::App& app, CommandLine& out) {
  auto* completion = app.add_subcommand("completion", "Print a shell's completion of this command");
  completion->group(kProgram);
  completion->add_option("shell", out.shell, "bash, zsh or fish")
      ->type_name(kShellType)
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
  completion->footer(
      "bash: source <(faasd completion bash)    fish: faasd completion fish | source\n"
      "zsh:  source <(faasd completion zsh), after compinit");
  app.add_subcommand("man", "Print the manual page: faasd man | man -l -")->group(kProgram);
}

}  // namespace faasd
