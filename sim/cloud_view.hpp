// The shapes in which the cloud answers its records, nested as it nests them. Source: real answers of the published
// server.
#pragma once

#include "sim/cloud_rows.hpp"

namespace regent::sim {

enum class detail {
  single,  ///< GET of one: with `emails`
  listed,  ///< in a list
  brief,   ///< in a list with include_related=false
};

/// The record as answered, after what a player forced into it or took out.
json::object view(const cloud_rows& rows, kind what, const row& of, detail how);

}  // namespace regent::sim
