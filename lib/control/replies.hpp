// What a daemon answers, as values. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <faas/control.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0::control {

// Of a response that is not 2xx: either of the daemon's two forms of error, or a body that is
// neither.
Error reply_error(unsigned status, std::string_view error_type, std::string_view body);

Result<DeployReply> read_deploy(unsigned status, std::string body);
Result<InstanceList> read_instances(std::string body);
Result<StatusReply> read_status(std::string body);
Result<DoctorReply> read_doctor(std::string body);
// Appends one page. Returns the marker of the next one; empty: the last.
Result<std::string> read_functions(std::string_view body, FunctionList& into,
                                   boost::json::array& all);

}  // namespace faas::inline v0::control
