// SSH's wire encoding (RFC 4251): numbers are big-endian, strings have their length before them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace regent::wire {

std::string number(std::uint32_t value);
std::string text(std::string_view bytes);

/// Takes fields off the front. After a field that is not whole, `good` is false and all fields are empty.
class fields {
 public:
  explicit fields(std::string_view bytes) : rest_(bytes) {}
  std::uint32_t number();
  std::uint64_t long_number();
  std::string_view text();
  bool good() const { return good_; }
  bool empty() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

 private:
  std::string_view take(std::size_t size);
  std::string_view rest_;
  bool good_ = true;
};

std::string base64(std::string_view bytes);
std::string from_base64(std::string_view text);  ///< empty when malformed

}  // namespace regent::wire
