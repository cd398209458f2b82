# find_package(IotChain CONFIG) gives the target IotChain::iotchain. Paths are relative to this file: the folder may lie
# anywhere.
get_filename_component(_iotchain_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET IotChain::iotchain)
  add_library(IotChain::iotchain STATIC IMPORTED)
  set_target_properties(IotChain::iotchain PROPERTIES
    IMPORTED_LOCATION "${_iotchain_prefix}/lib/libiotchain.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES C
    INTERFACE_INCLUDE_DIRECTORIES "${_iotchain_prefix}/include")
endif()
unset(_iotchain_prefix)
