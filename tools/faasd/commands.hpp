// One function a command; each returns the exit status.
#pragma once

#include "command_line.hpp"

namespace faasd {

int serve(CommandLine const&);
int deploy(CommandLine const&);
int invoke(CommandLine const&);
int list(CommandLine const&);
int remove(CommandLine const&);
int logs(CommandLine const&);
int doctor(CommandLine const&);
int ps(CommandLine const&);
int status(CommandLine const&);
int key(CommandLine const&);
int version(CommandLine const&);

int versions(CommandLine const&);
int publish(CommandLine const&);
int alias(CommandLine const&);
int concurrency(CommandLine const&);
int why(CommandLine const&);

int apply(CommandLine const&);
int export_functions(CommandLine const&);

int completion(CommandLine const&);
int man(CommandLine const&);

}  // namespace faasd
