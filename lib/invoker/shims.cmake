# The shims, and the Python one's bytecode, as strings of the library: sets FAAS_SHIM_SOURCES.
set(shim_dir ${CMAKE_CURRENT_LIST_DIR}/shims)
file(READ ${shim_dir}/start.py FAAS_PYTHON_START)
file(READ ${shim_dir}/bootstrap.py FAAS_PYTHON_SHIM)
file(READ ${shim_dir}/bootstrap.cjs FAAS_NODE_SHIM)

# As python3.N would keep it in __pycache__: for each that is here. Others read the text.
set(compile [==[
import importlib.util, marshal, sys
code = compile(open(sys.argv[1], "rb").read(), "/var/runtime/bootstrap.py", "exec")
print((importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)).hex())
]==])
set(FAAS_PYTHON_BYTECODE)
file(GLOB interpreters /usr/bin/python3.*)
foreach(interpreter IN LISTS interpreters)
  if(NOT interpreter MATCHES "/(python3\\.[0-9]+)$")
    continue()
  endif()
  set(name ${CMAKE_MATCH_1})
  execute_process(COMMAND ${interpreter} -I -S -c "${compile}" ${shim_dir}/bootstrap.py
                  RESULT_VARIABLE failed OUTPUT_VARIABLE bytes ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    message(STATUS "${interpreter} cannot compile the Python shim: its functions start slower")
    continue()
  endif()
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  string(APPEND FAAS_PYTHON_BYTECODE "  if (runtime == \"${name}\") return \"${bytes}\"sv;\n")
endforeach()

set(FAAS_SHIM_SOURCES ${CMAKE_CURRENT_BINARY_DIR}/shims.cpp)
file(CONFIGURE OUTPUT ${FAAS_SHIM_SOURCES} @ONLY CONTENT [==[
#include "invoker/shims.hpp"

namespace faas::inline v0 {

using namespace std::string_view_literals;

std::string_view python_start() {
  return R"shim(@FAAS_PYTHON_START@)shim";
}

std::string_view python_shim() {
  return R"shim(@FAAS_PYTHON_SHIM@)shim";
}

std::string_view python_bytecode([[maybe_unused]] std::string_view runtime) {
@FAAS_PYTHON_BYTECODE@  return {};
}

std::string_view node_shim() {
  return R"shim(@FAAS_NODE_SHIM@)shim";
}

}  // namespace faas::inline v0
]==])
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${shim_dir}/start.py ${shim_dir}/bootstrap.py ${shim_dir}/bootstrap.cjs)
