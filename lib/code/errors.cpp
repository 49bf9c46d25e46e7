#include "code/errors.hpp"

#include <fmt/format.h>

namespace faas::inline v0::code {

Error bad_zip(std::string_view detail) {
  return {Errc::invalid_argument,
          fmt::format("Could not unzip uploaded file. Please check your file, then try to upload "
                      "again. {}",
                      detail),
          "InvalidZipFileException", "code"};
}

Error too_many_entries(std::uint64_t limit) {
  return {Errc::too_large,
          fmt::format("The package has more than {} files and directories, the limit of entries. "
                      "Remove what the function does not need.",
                      limit),
          "InvalidParameterValueException", "code"};
}

Error unpacked_too_large(Bytes limit, std::string_view detail) {
  return {Errc::too_large,
          fmt::format("Unzipped size must be smaller than {} bytes. {}", limit.count, detail),
          "InvalidParameterValueException", "code"};
}

Error upload_too_large(Bytes limit, std::string_view detail) {
  return {
      Errc::too_large,
      fmt::format("The package must be at most {} bytes before unzipping; {}", limit.count, detail),
      "RequestEntityTooLargeException", "code"};
}

Error internal_io(Error error) {
  if (error.code == Errc::not_found || error.code == Errc::conflict) error.code = Errc::io;
  return error;
}

Error corrupt(std::string message) { return {Errc::corrupt, std::move(message), {}, "code"}; }

std::string archive_words(char const* said, std::string_view otherwise) {
  std::string_view const words = said == nullptr ? otherwise : said;
  return std::string(words.substr(0, words.find_last_not_of(" \n") + 1));
}

}  // namespace faas::inline v0::code
