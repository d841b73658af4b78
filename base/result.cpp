#include "base/result.hpp"

namespace regent {

std::string_view name(error_kind kind) {
  switch (kind) {
    case error_kind::transient: return "transient";
    case error_kind::permanent: return "permanent";
    case error_kind::conflict: return "conflict";
    case error_kind::bug: return "bug";
  }
  return "bug";
}

}  // namespace regent
