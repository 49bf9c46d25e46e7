# Configures, builds and runs PROJECT as somebody else would.
set(options -DCMAKE_PREFIX_PATH=${WORK}/prefix -DFAAS_SOURCE=${FAAS_SOURCE} -DCMAKE_CXX_COMPILER=${CXX}
  -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -DCMAKE_BUILD_TYPE=Debug ${OPTIONS})
if(SANITIZE)
  list(APPEND options -DCMAKE_CXX_FLAGS=-fsanitize=${SANITIZE})
endif()
file(REMOVE_RECURSE ${WORK}/${NAME})
execute_process(COMMAND ${CMAKE_COMMAND} -S ${PROJECT} -B ${WORK}/${NAME} -G Ninja ${options}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/${NAME} -j 2 --target main
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/${NAME}/main ${PROJECT} COMMAND_ERROR_IS_FATAL ANY)
