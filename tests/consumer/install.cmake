# A fresh prefix, so that nothing of an earlier installation helps.
file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${FAAS_BUILD} --prefix ${WORK}/prefix
  COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
if(NOT EXISTS ${WORK}/prefix/include/faas/faas.hpp)
  message(FATAL_ERROR "no headers in ${WORK}/prefix")
endif()
file(READ ${WORK}/prefix/lib/systemd/system/faasd.service unit)
string(FIND "${unit}" "ExecStart=${WORK}/prefix/bin/faasd serve\n" found)
if(found EQUAL -1)
  message(FATAL_ERROR "the unit does not start the program that was installed with it")
endif()
