// Whether, and how, a new job goes on from a step of one that failed. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "region/job.hpp"

namespace regent {

/// Why a new job cannot go on from step `from` (from 1) of `earlier`; none if it can. `boots`: what is known of the hosts' boot ids
/// now; what a reboot has undone after all is found again when the next step of its host is sent.
std::optional<std::string> why_not_from(const job_with_steps& earlier, int from,
                                        const std::map<host_id, std::string>& boots);

/// The same steps, in the same order, with the same parameters.
bool same_steps(const std::vector<step>& one, const std::vector<step>& other);

/// The steps before `from` are done, as they were in `earlier`, whose steps are the same.
void count_as_done(std::vector<step>& steps, const job_with_steps& earlier, int from);

}  // namespace regent
