// Read-only looks into the journal's file: on a connection of its own, beside the writer or without one.
#pragma once

#include "persistence/journal_reader.hpp"

namespace regent {

// Lists are paged by key, not by offset: the thousandth page costs what the first does, and rows that come or go
// between two pages shift nothing. Resources are ordered by kind and id (as texts), jobs and events newest first. A
// limit of 0 means limits::page_rows_default; one above limits::page_rows_most means that. Errors of every call,
// besides the file's: permanent `bad_cursor` (`after` is not what a page gave) and permanent `bad_filter` (no such
// state, or not kind/id), each naming the value.

}  // namespace regent
