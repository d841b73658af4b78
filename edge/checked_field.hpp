// Reading JSON that somebody else wrote: each value with its dot path, the first complaint kept, and harmless values
// after it, so that a reader is a plain list of fields with one check at its end.
#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "region/json.hpp"

namespace regent {

/// What is wrong with a document, and where. Empty while nothing is.
struct field_complaint {
  std::string field;  ///< dot path
  std::string why;
  explicit operator bool() const { return !why.empty(); }
};

/// The text as it may stand in a message: quoted, one line, at most about 80 bytes.
std::string excerpt(std::string_view text);

class checked_field {
 public:
  checked_field(const rapidjson::Value& root, field_complaint& first) : value_(&root), first_(&first) {}

  checked_field operator[](std::string_view key) const;  ///< complains if this is not an object; absent counts as null
  bool null() const { return value_ == nullptr || value_->IsNull(); }
  std::int64_t integer(std::int64_t least, std::int64_t most) const;
  bool flag() const;
  /// At most `most` bytes, without control characters (they would leave their line in a log, a file or a frame).
  std::string text(std::size_t most) const;
  const rapidjson::Value& object() const;
  const rapidjson::Value& array() const;
  const rapidjson::Value& value() const;  ///< null if absent
  /// Calls `use(checked_field)` for each element, up to the first complaint; complains if this is not an array of at
  /// most `most` elements.
  template <class Use>
  void each(std::size_t most, Use use) const {
    if (!is_array_of(most)) return;
    for (rapidjson::SizeType i = 0; i < value_->Size() && !*first_; ++i)
      use(checked_field((*value_)[i], path_.empty() ? std::to_string(i) : path_ + "." + std::to_string(i), *first_));
  }
  void complain(std::string why) const;
  const std::string& path() const { return path_; }

 private:
  checked_field(const rapidjson::Value* value, std::string path, field_complaint& first)
      : value_(value), path_(std::move(path)), first_(&first) {}
  checked_field(const rapidjson::Value& value, std::string path, field_complaint& first)
      : checked_field(&value, std::move(path), first) {}
  bool is_array_of(std::size_t most) const;

  const rapidjson::Value* value_;
  std::string path_;
  field_complaint* first_;
};

/// A positive id as the cloud writes them.
inline constexpr std::int64_t id_most = INT64_MAX;

}  // namespace regent
