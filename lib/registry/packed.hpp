// A function as memory keeps it while nobody asks for it: one short run of bytes, of this process
// only. What the database holds is registry/json.hpp. Pure.
#pragma once

#include <faas/function.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0::registry {

// Loses nothing: any text comes back as it was. Digests, UUIDs and other encoded bytes take their
// decoded length.
std::string pack(FunctionInfo const&);
// `packed` is what pack returned, or the program ends.
FunctionInfo unpack(std::string_view packed);

// What can be read in place; views into `packed`.
std::string_view packed_account(std::string_view packed);
std::string_view packed_name(std::string_view packed);
RevisionId packed_revision(std::string_view packed);

// The digest's bytes; what is no digest, as it is.
std::string code_key(Digest const&);

}  // namespace faas::inline v0::registry
