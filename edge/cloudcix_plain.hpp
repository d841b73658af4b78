// Records of a kind that the dialect knows by name only: the kind file of an operator knows what is in them.
#pragma once

#include "edge/checked_field.hpp"
#include "region/record.hpp"

namespace regent {

/// The neutral record of a volume: its head is checked, and its document is the cloud's JSON as it is
/// ({record.specs.0.quantity}), less the members that change without anything being declared: state, stable, updated,
/// history and emails, at any depth. Texts in it may be anything: the planner checks what goes to a host by the type of its
/// parameter. `wrong` is set for a bad id, state, stamp, name or project, and for a document that is nested too deeply.
/// Errors: permanent `record_malformed` if it is larger than limits::document_bytes.
result<record> read_plain(const rapidjson::Value& content, const std::string& kind, field_complaint& wrong);

}  // namespace regent
