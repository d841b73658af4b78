// One word about many resources, as a tree with a branch for each of them.
#pragma once

#include "persistence/journal_reader.hpp"
#include "region/bulk_order.hpp"

namespace regent {

/// The resources that are meant are those in the journal now: of those the filter names, retry takes what is unresourced or degraded, mend what
/// is running or quiesced, and cancel what has an open job. Errors: those of the reader; permanent `nothing_meant` if there is none; permanent `bad_tree`
/// for more than limits::tree_branches of them; permanent `bad_filter`.
result<tree_order> expand(const bulk_order& what, journal_reader& from, const kind_needs& needs = {});

/// "retry kind=virtual_router state=unresourced"
std::string text_of(const bulk_order& what);

}  // namespace regent
