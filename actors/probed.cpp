#include "actors/probed.hpp"

#include <cxxabi.h>
#include <caf/mailbox_element.hpp>

#include <cstdlib>
#include <map>
#include <mutex>
#include <typeindex>

namespace regent {

namespace {

std::string readable(const char* mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                         &std::free);
  std::string name = status == 0 ? text.get() : mangled;
  constexpr std::string_view ours = "regent::";
  return name.starts_with(ours) ? name.substr(ours.size()) : name;
}

}  // namespace

std::string_view message_name(const caf::mailbox_element* element) {
  if (element == nullptr) return "system";
  const auto& content = element->content();
  if (content.empty() || content.type(0).second == nullptr) return "system";
  static std::mutex guard;
  static std::map<std::type_index, std::string> names;  // as many as message types
  const std::lock_guard lock(guard);
  const std::type_index type(*content.type(0).second);
  const auto found = names.find(type);
  return found != names.end() ? found->second : names.emplace(type, readable(type.name())).first->second;
}

std::string exception_text(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

}  // namespace regent
