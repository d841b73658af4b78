// A self-signed certificate for one test, in files that go with it.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace regent::sim {

class own_certificate {
 public:
  own_certificate() {
    std::string pattern = std::filesystem::temp_directory_path() / "regent-sim-XXXXXX";
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary directory");
    directory_ = pattern;
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()));
    if (X509_sign(made.get(), key.get(), EVP_sha256()) == 0) throw std::runtime_error("cannot sign");
    write(certificate_file(), [&](FILE* to) { return PEM_write_X509(to, made.get()); });
    write(key_file(),
          [&](FILE* to) { return PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  ~own_certificate() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  own_certificate(const own_certificate&) = delete;
  own_certificate& operator=(const own_certificate&) = delete;

  std::string certificate_file() const { return directory_ + "/certificate.pem"; }
  std::string key_file() const { return directory_ + "/key.pem"; }

 private:
  template <class Write>
  static void write(const std::string& path, Write to) {
    FILE* file = std::fopen(path.c_str(), "w");
    if (!file) throw std::runtime_error("cannot write " + path);
    const bool written = to(file) == 1;
    if (std::fclose(file) != 0 || !written) throw std::runtime_error("cannot write " + path);
  }

  std::string directory_;
};

}  // namespace regent::sim
