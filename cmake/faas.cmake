# How this project builds: one static library a module, one umbrella target, test programs that
# mirror the modules, and static programs (the spawner, the victims) without sanitizers.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(FAAS_CCACHE ccache)
if(FAAS_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${FAAS_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FAAS_CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(LibArchive REQUIRED)
find_package(yaml-cpp REQUIRED)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(cap REQUIRED IMPORTED_TARGET libcap)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)

# Warnings of every target; sanitizers of every target that is not static.
add_library(faas_warnings INTERFACE)
target_compile_options(faas_warnings INTERFACE -Wall -Wextra -Wshadow -Wno-missing-field-initializers
  # g++ 12 takes a coroutine frame's own operator delete for a mismatch.
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-mismatched-new-delete>
  $<$<BOOL:${FAAS_WERROR}>:-Werror>)
add_library(faas_sanitize INTERFACE)
if(FAAS_SANITIZE)
  target_compile_options(faas_sanitize INTERFACE -fsanitize=${FAAS_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all
    # g++ says of itself that sanitizers make it see uninitialised values where none are.
    # One fence of Asio's is left under TSan, a counter's last decrement (see faas_asio).
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized -Wno-tsan>
    $<$<AND:$<CXX_COMPILER_ID:Clang>,$<COMPILE_LANGUAGE:CXX>>:-fno-sanitize=function>)
  target_link_options(faas_sanitize INTERFACE -fsanitize=${FAAS_SANITIZE})
endif()
add_library(faas_asio INTERFACE)
target_compile_definitions(faas_asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION)
if(FAAS_SANITIZE STREQUAL "thread")
  # TSan does not see fences; Asio's mutexes, which it sees, order the same accesses.
  target_compile_definitions(faas_asio INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()
target_link_libraries(faas_asio INTERFACE Boost::headers Threads::Threads)

set_property(GLOBAL PROPERTY FAAS_MODULES "")

# faas_module(NAME SOURCES file... DEPS module... LINK target...)
# A static library faas_NAME (faas::NAME). DEPS are modules below it, LINK external packages.
function(faas_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LINK" ${ARGN})
  add_library(faas_${name} STATIC ${ARG_SOURCES})
  add_library(faas::${name} ALIAS faas_${name})
  set_target_properties(faas_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(faas_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE ${PROJECT_SOURCE_DIR}/lib ${PROJECT_BINARY_DIR}/lib)
  set(targets ${ARG_DEPS})
  list(TRANSFORM targets PREPEND faas_)
  target_link_libraries(faas_${name} PUBLIC ${targets} ${ARG_LINK}
    PRIVATE $<BUILD_INTERFACE:faas_warnings> $<BUILD_INTERFACE:faas_sanitize>)
  # For the installed package: what find_package(faas COMPONENTS name) has to find.
  set_property(GLOBAL APPEND PROPERTY FAAS_MODULES ${name})
  set_property(GLOBAL PROPERTY FAAS_DEPS_${name} "${ARG_DEPS}")
  set_property(GLOBAL PROPERTY FAAS_LINK_${name} "${ARG_LINK}")
endfunction()

# The one target an embedder links: faas::faas is every module.
function(faas_umbrella)
  get_property(modules GLOBAL PROPERTY FAAS_MODULES)
  list(TRANSFORM modules PREPEND faas_)
  add_library(faas INTERFACE)
  add_library(faas::faas ALIAS faas)
  target_link_libraries(faas INTERFACE ${modules})
endfunction()

# faas_test(NAME SOURCES file... DEPS module... LINK target... [ARGS argument...] [TIMEOUT seconds]
#   [LABELS tier...] [SERIAL])
# A doctest program NAME_test, one ctest. Tests may include the private headers of lib/ and tests/support.
# SERIAL: no other test runs beside it. LABELS: tier2, tier3 (none is tier 1), once (not per preset).
function(faas_test name)
  cmake_parse_arguments(ARG "SERIAL" "TIMEOUT" "SOURCES;DEPS;LINK;ARGS;LABELS" ${ARGN})
  add_executable(${name}_test ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/doctest_main.cpp)
  list(TRANSFORM ARG_DEPS PREPEND faas_)
  target_link_libraries(${name}_test PRIVATE ${ARG_DEPS} ${ARG_LINK} faas_warnings faas_sanitize)
  target_include_directories(${name}_test PRIVATE ${PROJECT_SOURCE_DIR}/lib ${PROJECT_BINARY_DIR}/lib
    ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name}_test PRIVATE
    FAAS_SOURCE_DIR="${PROJECT_SOURCE_DIR}" FAAS_BINARY_DIR="${PROJECT_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name}_test ${ARG_ARGS})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    RUN_SERIAL ${ARG_SERIAL})
endfunction()

# faas_static_program(NAME SOURCES file... OPTIONS flag...)
# A static C/C++ program without sanitizers: the spawner, the victims, the floors of the benchmarks.
function(faas_static_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;OPTIONS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE -O2 ${ARG_OPTIONS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/lib
    ${PROJECT_SOURCE_DIR}/tests)
  target_link_options(${name} PRIVATE -static)
  target_link_libraries(${name} PRIVATE faas_warnings)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
endfunction()
