// Certificates made for one test run: an authority and a server's, as PEM files in a directory of their own.
#pragma once

#include <string>

#include "test/edge/cloud_server.hpp"

namespace regent::test {

class certificate_authority {
 public:
  certificate_authority();
  ~certificate_authority();
  certificate_authority(const certificate_authority&) = delete;
  certificate_authority& operator=(const certificate_authority&) = delete;

  std::string ca_file() const { return directory_ + "/ca.pem"; }
  /// A certificate for this name only: "DNS:localhost", "IP:127.0.0.1".
  server_tls issue(const std::string& subject_alternative_name) const;

 private:
  struct keys;
  std::string directory_;
  std::unique_ptr<keys> keys_;
};

}  // namespace regent::test
