// What an untrusted program tries: its words begin at argv[1]. Each program has its own; serve.c
// calls it.
#pragma once

int attempt(int argc, char** argv);
