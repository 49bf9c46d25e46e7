// The Errors of this module, in Lambda's words where it has some.
#pragma once

#include <faas/code_cache.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0::code {

// InvalidZipFileException: Lambda's sentence, then what exactly is wrong.
Error bad_zip(std::string_view detail);
Error too_many_entries(std::uint64_t limit);
Error unpacked_too_large(Bytes limit, std::string_view detail);
Error upload_too_large(Bytes limit, std::string_view detail);
// What this module's own files and calls did: whatever the code was, a caller must not read it as
// an answer about the package ("not_found").
Error internal_io(Error);
Error corrupt(std::string message);
// What libarchive says went wrong, without the line feed some of its messages end in; `otherwise`
// where it says nothing.
std::string archive_words(char const* said, std::string_view otherwise);

// The layer named where nobody below did.
template <class T>
Result<T> in_layer(Result<T> result) {
  if (result || !result.error().layer.empty()) return result;
  auto error = result.error();  // a copy: what a Result gives of its error is no reference
  error.layer = "code";
  return error;
}

}  // namespace faas::inline v0::code
