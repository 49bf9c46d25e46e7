#include "contract/extensions.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <boost/system/error_code.hpp>

#include "base/text.hpp"
#include "contract/http_text.hpp"

namespace faas::inline v0::contract {
namespace {

namespace json = boost::json;
using replies::refusal;

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const dash = i == 8 || i == 13 || i == 18 || i == 23;
    bool const hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f') ||
                     (text[i] >= 'A' && text[i] <= 'F');
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

// A name for the one listener of one environment, not a secret: who may speak is decided by the
// listener.
std::string make_id(std::size_t number) {
  std::array<std::uint8_t, 16> bytes{};
  bytes[15] = static_cast<std::uint8_t>(number + 1);
  return to_uuid(bytes);
}

// Whether the register document asks for INVOKE; a refusal if it is not one for an internal
// extension.
std::optional<Reply> read_events(std::string_view document, bool& listens) {
  boost::system::error_code error;
  auto const value = json::parse(document, error);
  auto const* object = error ? nullptr : value.if_object();
  if (!object)
    return refusal(403, "Extension.InvalidRequestFormat", "The body is not a JSON object");
  auto const* events = object->if_contains("events");
  if (!events || events->is_null()) return std::nullopt;
  if (!events->is_array())
    return refusal(403, "Extension.InvalidRequestFormat", "\"events\" is not an array");
  for (auto const& event : events->get_array()) {
    auto const* name = event.if_string();
    if (!name)
      return refusal(403, "Extension.InvalidRequestFormat", "\"events\" holds what is no string");
    if (*name == "SHUTDOWN")
      return refusal(403, "Extension.InvalidEventType",
                     "SHUTDOWN: event not supported for internal extensions");
    if (*name != "INVOKE")
      return refusal(403, "Extension.InvalidEventType", std::string(*name) + ": unknown event");
    listens = true;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Reply> Extensions::check(std::string_view name, std::string_view document,
                                       bool& listens) const {
  if (name.empty()) return refusal(403, "Extension.InvalidExtensionName", "Empty extension name");
  if (name.size() > 128)
    return refusal(403, "Extension.InvalidExtensionName", "Extension name above 128 bytes");
  if (auto refused = read_events(document, listens)) return refused;
  if (listens && !hears_invocations_)
    return refusal(403, "Extension.InvalidEventType",
                   "INVOKE: event not supported where several invocations run at once");
  if (closed_)
    return refusal(403, "Extension.RegistrationClosed", "Extension registration closed already");
  for (auto const& extension : extensions_)
    if (extension.name == name)
      return refusal(403, "Extension.InvalidExtensionState",
                     "Extension with this name already registered");
  if (extensions_.size() == kLimit)
    return refusal(403, "Extension.TooManyExtensions",
                   "Extension limit (" + std::to_string(kLimit) + ") reached");
  return std::nullopt;
}

Reply Extensions::enroll(std::string_view name, std::string_view document,
                         std::string_view metadata) {
  bool listens = false;
  if (auto refused = check(name, document, listens)) return *refused;
  auto const& added = extensions_.emplace_back(
      Extension{std::string(name), make_id(extensions_.size()), listens, std::nullopt});
  return {200, std::string(metadata), "Lambda-Extension-Identifier", added.id};
}

Extension* Extensions::identify(std::optional<std::string_view> id, Reply& refused) {
  if (!id || id->empty()) {
    refused = refusal(403, "Extension.MissingExtensionIdentifier",
                      "Missing Lambda-Extension-Identifier header");
    return nullptr;
  }
  if (!is_uuid(*id)) {
    refused =
        refusal(403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier");
    return nullptr;
  }
  for (auto& extension : extensions_)
    if (equals_ignoring_case(extension.id, *id)) return &extension;
  refused =
      refusal(403, "Extension.UnknownExtensionIdentifier", "Unknown extension " + std::string(*id));
  return nullptr;
}

void Extensions::connection_closed(ConnectionId connection) {
  for (auto& extension : extensions_)
    if (extension.parked == connection) extension.parked.reset();
}

bool Extensions::all_listeners_parked() const {
  return std::all_of(extensions_.begin(), extensions_.end(),
                     [](auto const& extension) { return !extension.listens || extension.parked; });
}

}  // namespace faas::inline v0::contract
