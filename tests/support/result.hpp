// Results and errors in doctest's messages.
#pragma once

#include <doctest/doctest.h>

#include <faas/error.hpp>
#include <string>

namespace doctest {

template <>
struct StringMaker<faas::Error> {
  static String convert(faas::Error const& e) {
    auto const text = std::string(faas::to_string(e.code)) + ": " + e.message;
    return {text.data(), static_cast<unsigned>(text.size())};
  }
};

template <class T>
struct StringMaker<faas::Result<T>> {
  static String convert(faas::Result<T> const& r) {
    return r.has_value() ? String("a value") : StringMaker<faas::Error>::convert(r.error());
  }
};

}  // namespace doctest
