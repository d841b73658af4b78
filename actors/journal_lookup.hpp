// What actors ask of the journal while they work: read-only, through connections that are kept.
#pragma once

#include <string>

#include "actors/context.hpp"

namespace regent {

/// Sets the questions of `context` (open_job_of and those after it) to look into the file at `journal_path`.
void look_into(region_context& context, const std::string& journal_path);

}  // namespace regent
