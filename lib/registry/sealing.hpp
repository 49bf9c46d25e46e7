// The first time that a database is opened with a secrets key.
#pragma once

#include "registry/secrets.hpp"
#include "store/store.hpp"

namespace faas::inline v0::registry {

// With a key, unless it was done before: environments that rows hold in clear are sealed, in one
// transaction, then the file is written anew, for old pages still hold them. A kill in between is
// made good by the next open. Without a key: what is stored from now on is in clear, so the next
// key begins again. Not of rows that cannot be read.
Result<void> seal_what_is_clear(store::Store&, Secrets const&);

}  // namespace faas::inline v0::registry
