# cmake --install: the libraries, the headers, faasd, and a package whose components are the modules.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/faas)
get_property(modules GLOBAL PROPERTY FAAS_MODULES)
set(targets ${modules})
list(TRANSFORM targets PREPEND faas_)
set_target_properties(faas_asio PROPERTIES EXPORT_NAME asio)

install(TARGETS ${targets} faas_asio faas EXPORT faas-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/faas DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET faasd)
  install(TARGETS faasd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES ${PROJECT_BINARY_DIR}/tools/faasd/faasd.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${PROJECT_BINARY_DIR}/tools/faasd/faasd.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME faasd)
  # Made at installation, when the prefix is known.
  install(CODE "set(template ${PROJECT_SOURCE_DIR}/tools/faasd/faasd.service.in)
    set(faasd \${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/faasd)")
  install(CODE [[
    configure_file(${template} $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib/systemd/system/faasd.service @ONLY)]])
endif()
install(EXPORT faas-targets NAMESPACE faas:: DESTINATION ${package_dir})

# What each component needs below it and from outside, as faas_module was told.
set(FAAS_COMPONENT_TABLE "set(faas_components ${modules})\n")
foreach(module ${modules})
  get_property(deps GLOBAL PROPERTY FAAS_DEPS_${module})
  get_property(link GLOBAL PROPERTY FAAS_LINK_${module})
  string(APPEND FAAS_COMPONENT_TABLE "set(faas_${module}_deps ${deps})\nset(faas_${module}_link ${link})\n")
endforeach()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/faas-config.cmake.in
  ${PROJECT_BINARY_DIR}/faas-config.cmake INSTALL_DESTINATION ${package_dir})
# Until 1.0 every minor version may break.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/faas-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/faas-config.cmake ${PROJECT_BINARY_DIR}/faas-config-version.cmake
  DESTINATION ${package_dir})
