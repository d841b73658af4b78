// The sections of a region file, each read into its part of the configuration.
#pragma once

#include "region/region_config_reader.hpp"

namespace regent {

/// `{file: PATH}`, `{environment: NAME}`, or the secret itself.
void read_secret_reference(config_section& from, const std::string& key, secret_reference& into);

void read_cloud_section(config_section& file, cloud_config& into);
/// `ssh` (what every host inherits) and `hosts`.
void read_host_sections(config_section& file, std::vector<host_config>& into);
/// Needs the hosts: a pair is made of two of them, and they get the role podnet if they have none.
void read_podnet_section(config_section& file, std::vector<host_config>& hosts, podnet_config& into);
void read_networks_section(config_section& file, networks_config& into);
void read_policies_section(config_section& file, policies_config& into);
void read_events_section(config_section& file, events_config& into);
void read_schedules_section(config_section& file, std::vector<schedule_config>& into);
/// Needs the hosts: a throttle may be about one of them.
void read_throttles_section(config_section& file, const std::vector<host_config>& hosts,
                            std::vector<throttle_config>& into);
void read_listen_section(config_section& file, const std::string& state_directory, listen_config& into);

/// The configuration as JSON, every default filled in and inline secrets masked, for {region.…} paths in kind files.
json_document region_document(const region_config& config);

}  // namespace regent
