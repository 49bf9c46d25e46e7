# shims/bootstrap.{py,mjs} as strings of the library: sets FAAS_SHIM_SOURCES.
set(shim_dir ${CMAKE_CURRENT_LIST_DIR}/shims)
file(READ ${shim_dir}/bootstrap.py FAAS_PYTHON_SHIM)
file(READ ${shim_dir}/bootstrap.cjs FAAS_NODE_SHIM)
set(FAAS_SHIM_SOURCES ${CMAKE_CURRENT_BINARY_DIR}/shims.cpp)
file(CONFIGURE OUTPUT ${FAAS_SHIM_SOURCES} @ONLY CONTENT [==[
#include "invoker/shims.hpp"

namespace faas::inline v0 {

std::string_view python_shim() {
  return R"shim(@FAAS_PYTHON_SHIM@)shim";
}

std::string_view node_shim() {
  return R"shim(@FAAS_NODE_SHIM@)shim";
}

}  // namespace faas::inline v0
]==])
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${shim_dir}/bootstrap.py ${shim_dir}/bootstrap.cjs)
