# regent_embed(TARGET NAME FILE...): makes NAME.hpp and NAME.cpp in the build tree, with
#   namespace regent { std::span<const embedded_file> NAME(); }   each file's name (without folder) and text.
# The text is built in, so the binary needs no folder beside it.
function(regent_embed target name)
  set(files "")
  foreach(file ${ARGN})
    list(APPEND files ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  string(JOIN "|" joined ${files})
  add_custom_command(
    OUTPUT ${out}/${name}.cpp ${out}/${name}.hpp
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DOUT=${out} "-DFILES=${joined}" -P ${CMAKE_SOURCE_DIR}/cmake/embed_files.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed_files.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out}/${name}.cpp ${out}/${name}.hpp)
  # All of them use the same names inside.
  set_source_files_properties(${out}/${name}.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_include_directories(${target} PUBLIC ${out})
endfunction()
