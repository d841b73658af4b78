// Errors as values. The kind names the caller's next move; the code is stable and may be matched; the message is for
// people.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace regent {

enum class error_kind {
  transient,  ///< the same call may succeed later: back off and try again
  permanent,  ///< the same call will fail again: report it
  conflict,   ///< the other side has another state than we thought: read again, then decide
  bug,        ///< our own mistake: report it loudly
};

std::string_view name(error_kind kind);

struct error {
  error_kind kind = error_kind::bug;
  std::string code;     ///< stable, snake_case: "cloud_timeout"
  std::string message;  ///< one sentence that names the value concerned
  std::string text() const { return code + ": " + message; }
};

template <class T>
using result = tl::expected<T, error>;

using failure = tl::unexpected<error>;

template <class... Args>
failure fail(error_kind kind, std::string code, fmt::format_string<Args...> form, Args&&... args) {
  return failure(error{kind, std::move(code), fmt::format(form, std::forward<Args>(args)...)});
}

}  // namespace regent
