#include "test/edge/cloud_certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

namespace regent::test {

namespace {
using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;

key_ptr new_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  if (extension == nullptr) throw std::runtime_error("no such extension: " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

certificate_ptr new_certificate(EVP_PKEY* key, const char* name, long serial) {
  certificate_ptr out(X509_new(), X509_free);
  X509_set_version(out.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), 24 * 3600);
  X509_set_pubkey(out.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return out;
}

template <class Write>
void write_pem(const std::string& path, Write write) {
  auto* file = BIO_new_file(path.c_str(), "w");
  if (file == nullptr || write(file) != 1) throw std::runtime_error("cannot write " + path);
  BIO_free(file);
}
}  // namespace

struct certificate_authority::keys {
  key_ptr key = new_key();
  certificate_ptr certificate = new_certificate(key.get(), "test authority", 1);
};

certificate_authority::certificate_authority() : keys_(std::make_unique<keys>()) {
  std::string pattern = (std::filesystem::temp_directory_path() / "regent-tls-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  directory_ = pattern;
  auto* certificate = keys_->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(certificate, keys_->key.get(), EVP_sha256());
  write_pem(ca_file(), [&](BIO* file) { return PEM_write_bio_X509(file, certificate); });
}

certificate_authority::~certificate_authority() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

server_tls certificate_authority::issue(const std::string& subject_alternative_name) const {
  const auto key = new_key();
  const auto certificate = new_certificate(key.get(), "test server", 2);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(keys_->certificate.get()));
  extend(certificate.get(), keys_->certificate.get(), NID_subject_alt_name, subject_alternative_name);
  X509_sign(certificate.get(), keys_->key.get(), EVP_sha256());
  const server_tls out{directory_ + "/server.pem", directory_ + "/server.key"};
  write_pem(out.certificate_file, [&](BIO* file) { return PEM_write_bio_X509(file, certificate.get()); });
  write_pem(out.key_file, [&](BIO* file) {
    return PEM_write_bio_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return out;
}

}  // namespace regent::test
