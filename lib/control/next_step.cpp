#include <faas/control.hpp>

namespace faas::inline v0 {

std::string next_step(Error const& error) {
  if (error.layer == "connect")
    return "Start the daemon with `faasd serve`, or say where it is with --url or FAASD_URL.";
  if (error.reason == "AddressInUse")
    return "Choose another port: faasd serve --listen 127.0.0.1:9001";
  if (error.reason == "NotLoopback")
    return "Listen on loopback (faasd serve --listen 127.0.0.1:9000), or say who may come: `faasd "
           "key new --help`, then --access FILE.";
  if (error.reason == "NoSuchPath")
    return "Give the directory that holds the function, or its zip: faasd deploy NAME DIR "
           "--runtime R";
  if (error.message.starts_with("Cannot find alias"))
    return "See which aliases there are: faasd alias NAME; make one: faasd alias NAME ALIAS "
           "VERSION";
  if (error.reason == "ResourceNotFoundException")
    return "See what is deployed: faasd list; which versions a function has: faasd versions NAME";
  if (error.reason == "ProvisionedConcurrencyConfigNotFoundException" ||
      error.reason == "ProvisioningFailed")
    return "See what is provisioned: faasd concurrency NAME; what instances write: faasd logs NAME";
  if (error.reason == "UnknownOperationException")
    return "That daemon is another version than this command: compare faasd version and its log.";
  if (error.reason == "ResourceConflictException") return "See what is there: faasd list";
  if (error.layer == "url") return {};
  if (error.layer == "state") return "Choose another state directory: faasd serve --state DIR";
  if (error.layer == "manifest")
    return "Mend the file, then see what it would do: faasd apply FILE --dry-run";
  if (error.reason == "MissingAuthenticationTokenException")
    return "Come as root over the daemon's Unix socket, or put a key that `faasd key new` made "
           "into "
           "FAASD_API_KEY.";
  if (error.layer == "config" || error.layer == "access")
    return "Mend the file, then start the daemon again.";
  switch (error.code) {
    case Errc::unsupported: return "See what this host has and lacks: faasd doctor";
    case Errc::throttled:
      return "Try again, see which limit it is (faasd why NAME) and what is running (faasd ps), or "
             "start with other limits (faasd serve --help)";
    case Errc::unavailable: return "The daemon is stopping; start it again with `faasd serve`.";
    default: return {};
  }
}

}  // namespace faas::inline v0
