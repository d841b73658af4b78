// Strong identifiers: a host cannot be passed where a job is meant.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace regent {

/// An identifier that is text. Empty means "none".
template <class Tag>
class text_id {
 public:
  text_id() = default;
  explicit text_id(std::string value) : value_(std::move(value)) {}
  const std::string& value() const { return value_; }
  bool empty() const { return value_.empty(); }
  auto operator<=>(const text_id&) const = default;
  bool operator==(const text_id&) const = default;

 private:
  std::string value_;
};

/// An identifier that is a positive number given out by the journal. Zero means "none".
template <class Tag>
class number_id {
 public:
  number_id() = default;
  explicit number_id(std::int64_t value) : value_(value) {}
  std::int64_t value() const { return value_; }
  bool empty() const { return value_ == 0; }
  auto operator<=>(const number_id&) const = default;
  bool operator==(const number_id&) const = default;

 private:
  std::int64_t value_ = 0;
};

using host_id = text_id<struct host_tag>;  ///< the host's name in the region file
using run_id = text_id<struct run_tag>;    ///< one execution of a step; [0-9a-z-], at most 64 characters
using job_id = number_id<struct job_tag>;

/// The number of this process's reign: grows at every start; hosts refuse a lower one than they have seen.
using epoch_number = std::uint64_t;

/// A declared thing: its kind and the cloud's id of it, written `virtual_router/3`.
struct resource_id {
  std::string kind;
  std::string id;
  auto operator<=>(const resource_id&) const = default;
  bool operator==(const resource_id&) const = default;
  bool empty() const { return kind.empty(); }
  std::string text() const { return kind + "/" + id; }
  /// Splits `kind/id`; none unless both parts are there and consist of [A-Za-z0-9_.-].
  static std::optional<resource_id> parse(std::string_view text);
};

}  // namespace regent

template <class Tag>
struct std::hash<regent::text_id<Tag>> {
  std::size_t operator()(const regent::text_id<Tag>& x) const { return std::hash<std::string>{}(x.value()); }
};
template <class Tag>
struct std::hash<regent::number_id<Tag>> {
  std::size_t operator()(const regent::number_id<Tag>& x) const { return std::hash<std::int64_t>{}(x.value()); }
};
template <>
struct std::hash<regent::resource_id> {
  std::size_t operator()(const regent::resource_id& x) const {
    return std::hash<std::string>{}(x.kind) * 31 + std::hash<std::string>{}(x.id);
  }
};
