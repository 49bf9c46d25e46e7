// FAAS_CHECK: a bug of ours, told at once. Never for input, never for what the kernel may answer.
#pragma once

#include <exception>

#define FAAS_CHECK(condition)           \
  do {                                  \
    if (!(condition)) std::terminate(); \
  } while (false)
