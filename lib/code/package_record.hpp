// What `packages/<digest>` says about one package. Pure text both ways.
#pragma once

#include <faas/code_cache.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace faas::inline v0::code {

// Lines "faas-package 1", "code-sha256 B", "size N", "unpacked N", and "sum S" over those before
// it.
std::string to_record(Package const&);
// Nothing if a byte of it is not as to_record wrote it. The digest is the file's name.
std::optional<Package> from_record(std::string_view text, Digest digest);

// The name of the package's bytes in `uploads/`: code_sha256 in hexadecimal. Empty if it is no sum.
std::string upload_name(Package const&);

}  // namespace faas::inline v0::code
