// Counts the allocations of a whole program: included by one file of a program that is for that.
#pragma once

#include <atomic>
#include <cstdlib>
#include <new>

namespace faas::test {
inline std::atomic<long> allocations{0};
}

void* operator new(std::size_t size) {
  ++faas::test::allocations;
  if (void* p = std::malloc(size ? size : 1)) return p;
  throw std::bad_alloc();
}
// As the library's sorts ask for room; what it gives is given back below.
void* operator new(std::size_t size, std::nothrow_t const&) noexcept {
  ++faas::test::allocations;
  return std::malloc(size ? size : 1);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
